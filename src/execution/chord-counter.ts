import type { ChordCounter } from '../backends/backend.ts';
import type { Json } from '../protocol/json.ts';
import { awaitHeader, idsOf, JOIN_TIMEOUT_MS, membersOf, type Chord, type HeaderEnd } from './chord-join.ts';
import type { ExecutionEnv } from './env.ts';
import { patiently } from './save.ts';

/** What a count says. */
export type Counted =
  /** Others are still to come, or the chord was ended by another. */
  | { readonly kind: 'open' }
  /** Nobody knows the group any more, and it was not complete. */
  | { readonly kind: 'gone' }
  /** As many came as there are members, but not all of those have ended: some were counted twice. */
  | { readonly kind: 'late'; readonly members: readonly Json[] }
  | HeaderEnd;

/** How long the one whose count is full has for starting the body, beside waiting for results; then it is the turn of the next count. */
const TURN_MS = 21_000;

/**
 * Celery's protocol for stores with a counter (wire.md 4.4.2). It counts a part that comes again once more, so here the number is only the sign to
 * look: the body starts when all members have a result. When a chord has ended its group goes and its number stays, which tells it from one that expired.
 */
export async function countPart({ groupId, body }: Chord, counter: ChordCounter, env: ExecutionEnv): Promise<Counted> {
  const count = await patiently(() => counter.increment(groupId), 'A part of a chord could not be counted', env);
  const tree = await groupOf(groupId, env);
  if (tree === undefined) return { kind: count > sizeSaid(body) ? 'open' : 'gone' };
  const members = membersOf(tree);
  const over = count - members.flatMap(idsOf).length;
  if (over < 0 || (over > 0 && (await isEndedBefore(over, groupId, env)))) return { kind: 'open' };
  const header = await patiently(() => awaitHeader(members, env), `The results of chord ${groupId} could not be read`, env);
  return header.kind === 'waiting' ? { kind: 'late', members } : header;
}

/**
 * Above the full number the chord is another's to end, who is at it or died before it was done. Celery leaves it there, for ever in the second case;
 * here a count `over` the full one waits for as many turns, with its message not acknowledged. Two that come at once so have different turns.
 */
async function isEndedBefore(over: number, groupId: string, env: ExecutionEnv): Promise<boolean> {
  const { clock, signal, chordJoinTimeoutMs = JOIN_TIMEOUT_MS } = env;
  env.log.warn(`Chord ${groupId} was counted ${over} more than it has parts: one came again`);
  const until = clock.monotonic() + over * (TURN_MS + chordJoinTimeoutMs);
  for (let waitMs = 50; clock.monotonic() < until; waitMs = Math.min(1000, waitMs * 1.5)) {
    await clock.sleep(Math.min(waitMs, until - clock.monotonic()), signal);
    if ((await groupOf(groupId, env)) === undefined) return true;
  }
  env.log.warn(`Chord ${groupId} is ended here: whoever counted its last part has not done so`);
  return false;
}

const groupOf = (groupId: string, env: ExecutionEnv): Promise<Json | undefined> =>
  patiently(() => env.backend.loadGroup(groupId), `The group ${groupId} could not be read`, env);

/** What a body says of its header; Celery's says nothing. */
const sizeSaid = (body: Chord['body']): number => (typeof body['chord_size'] === 'number' ? body['chord_size'] : 1);
