import type { ChordCounter } from '../backends/backend.ts';
import type { Json } from '../protocol/json.ts';
import { awaitHeader, idsOf, membersOf, type Chord, type HeaderEnd } from './chord-join.ts';
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

/**
 * Celery's protocol for stores with a counter (wire.md 4.4.2). It counts a part that comes again once more, so here the number is only the sign to
 * look: the body starts when all members have a result. When a chord has ended its group goes and its number stays, which tells it from one that expired.
 */
export async function countPart({ groupId, body }: Chord, counter: ChordCounter, env: ExecutionEnv): Promise<Counted> {
  const count = await patiently(() => counter.increment(groupId), 'A part of a chord could not be counted', env);
  const tree = await patiently(() => env.backend.loadGroup(groupId), `The group ${groupId} could not be read`, env);
  if (tree === undefined) return { kind: count > sizeSaid(body) ? 'open' : 'gone' };
  const members = membersOf(tree);
  if (count < members.flatMap(idsOf).length) return { kind: 'open' };
  const header = await patiently(() => awaitHeader(members, env), `The results of chord ${groupId} could not be read`, env);
  return header.kind === 'waiting' ? { kind: 'late', members } : header;
}

/** What a body says of its header; Celery's says nothing. */
const sizeSaid = (body: Chord['body']): number => (typeof body['chord_size'] === 'number' ? body['chord_size'] : 1);
