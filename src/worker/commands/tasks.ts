import type { CommandArgs } from '../../control/commands.ts';
import { revokedError, errorResult } from '../../execution/outcomes.ts';
import { wireMoment } from '../../execution/moments.ts';
import { encodedText } from '../../protocol/json-text.ts';
import type { Json, Value } from '../../protocol/json.ts';
import type { TaskState } from '../../protocol/states.ts';
import { revokedOutcome } from '../../execution/outcomes.ts';
import { TaskRevokedError } from '../../errors.ts';
import { parseRate } from '../rate-limits.ts';
import type { Request } from '../request.ts';
import { listOf } from '../revoked.ts';
import { recall } from '../recall.ts';
import type { CommandState } from './state.ts';

/** A revoke writes REVOKED over these only: what has started or ended keeps its record. */
const NOT_STARTED: readonly TaskState[] = ['PENDING', 'RECEIVED', 'RETRY', 'REJECTED'];

/** Commands about tasks. */
export const taskCommands = {
  async revoke(state: CommandState, { taskIds, terminate, signal }: CommandArgs<'revoke'>): Promise<Value> {
    const { context } = state;
    const requests = context.reservations.find(new Set(taskIds));
    context.revoked.add(taskIds);
    discardWaiting(state, requests);
    const recalling = recall(context, taskIds);
    const running = new Set(requests.filter(isRunning).map((request) => request.id));
    await Promise.all(taskIds.filter((id) => !running.has(id)).map((id) => storeRevoked(state, id)));
    await recalling;
    if (terminate === true) return end(state, requests.filter(isRunning), signal);
    context.log.info(`Tasks flagged as revoked: ${taskIds.join(', ')}`);
    return { ok: `tasks ${taskIds.join(', ')} flagged as revoked` };
  },

  terminate: (state: CommandState, { taskIds, signal }: CommandArgs<'terminate'>): Promise<Value> =>
    taskCommands.revoke(state, { taskIds, terminate: true, signal }),

  revokeByStampedHeaders(state: CommandState, { headers, terminate, signal }: CommandArgs<'revokeByStampedHeaders'>): Value {
    const { reservations, revoked } = state.context;
    const stamps = stampsOf(headers);
    for (const [name, values] of stamps) revoked.addStamps(name, values);
    const text = [...stamps].map(([name, values]) => `${name}=${values.map(String).join(',')}`).join(' ');
    const matches = (request: Request): boolean => revoked.has(request.received.headers);
    discardWaiting(state, [...reservations.of('ready'), ...reservations.of('limited'), ...reservations.of('scheduled')].filter(matches));
    if (terminate !== true) return { ok: `headers ${text} flagged as revoked, but not terminated` };
    const running = [...reservations.of('running')].filter(matches);
    if (running.length === 0) return { ok: `headers ${text} were not terminated` };
    end(state, running, signal);
    return { ok: `headers ${text} revoked` };
  },

  rateLimit({ context }: CommandState, { task, limit }: CommandArgs<'rateLimit'>): Value {
    const rate = parseRate(limit);
    if (rate === undefined) return { error: `Invalid rate limit string: ${JSON.stringify(limit)} is not like 10, 100/m or 5/h` };
    if (context.core.tasks.get(task) === undefined) return { error: 'unknown task' };
    context.rateLimits.set(task, rate);
    context.log.info(`${rate === null ? 'Rate limits disabled' : `New rate limit (${limit})`} for tasks of type ${task}`);
    return { ok: rate === null ? 'rate limit disabled successfully' : 'new rate limit set successfully' };
  },

  timeLimit({ context }: CommandState, { task, hard, soft }: CommandArgs<'timeLimit'>): Value {
    if (context.core.tasks.get(task) === undefined) return { error: 'unknown task' };
    const ms = (seconds: number | undefined): number | null => (seconds === undefined || seconds <= 0 ? null : seconds * 1000);
    context.timeLimits.set(task, { timeLimitMs: ms(hard), softTimeLimitMs: ms(soft) });
    return { ok: 'time limits set successfully' };
  },
};

/** Has begun, as far as anybody knows: the pool may hold some that have not. */
const isRunning = ({ standing, startedAtMs }: Request): boolean => startedAtMs !== null && (standing === 'running' || standing === 'finishing');

/** What waits here has no need to wait for its turn to be discarded. */
function discardWaiting({ context, runner }: CommandState, requests: readonly Request[]): void {
  for (const request of requests) {
    if (isRunning(request) || request.standing === 'gone' || request.standing === 'finishing') continue;
    if (request.standing === 'running') {
      // It comes back through `onReturned`, and is discarded when its turn comes again.
      context.pool.cancel(request.id, new TaskRevokedError('revoked'));
      continue;
    }
    request.timer?.[Symbol.dispose]();
    context.rateLimits.remove(request.name, request);
    runner.finishUnstarted(request, revokedOutcome('revoked'));
  }
}

/** Every worker does this, for ids that it has never heard of too: whoever waits for the result learns of it at once. */
async function storeRevoked({ context }: CommandState, id: string): Promise<void> {
  const { clock, env, log } = context;
  const result = encodedText(JSON.stringify(errorResult(revokedError('revoked'))));
  const meta = { task_id: id, status: 'REVOKED', result, traceback: null, children: null, date_done: wireMoment(clock.now()) };
  try {
    await env.backend.save(meta, { over: NOT_STARTED });
  } catch (error) {
    log.warn(`Failed to mark task ${id} as revoked in backend`, { error });
  }
}

function end({ context }: CommandState, requests: readonly Request[], signal: string | undefined): Value {
  const name = signalName(signal);
  for (const request of requests) {
    context.log.info(`Terminating ${request.id} (${name})`);
    request.killWith = name;
    void context.pool.kill(request.id, name);
  }
  return { ok: requests.length === 0 ? 'terminate: tasks unknown' : `terminate: ${requests.map(({ id }) => id).join(', ')}` };
}

/** `KILL`, `SIGKILL` and 9 are the same. */
function signalName(given: string | undefined): NodeJS.Signals {
  if (given === undefined) return 'SIGTERM';
  const numbers: Readonly<Record<string, NodeJS.Signals>> = {
    1: 'SIGHUP',
    2: 'SIGINT',
    3: 'SIGQUIT',
    6: 'SIGABRT',
    9: 'SIGKILL',
    10: 'SIGUSR1',
    12: 'SIGUSR2',
    15: 'SIGTERM',
  };
  const upper = given.toUpperCase();
  return numbers[upper] ?? ((upper.startsWith('SIG') ? upper : `SIG${upper}`) as NodeJS.Signals);
}

/** A map from stamp to value or values, or a list of `name=value`. */
function stampsOf(headers: Value): ReadonlyMap<string, readonly Json[]> {
  const entries: readonly (readonly [string, Value | undefined])[] = Array.isArray(headers)
    ? (headers as readonly Value[]).map((text) => String(text).split(/=(.*)/s) as [string, string])
    : Object.entries((headers ?? {}) as Readonly<Record<string, Value>>);
  return new Map(entries.map(([name, value]) => [name, listOf(value as Json | undefined)]));
}
