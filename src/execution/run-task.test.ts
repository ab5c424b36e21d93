import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Ignore, Reject, Retry, SoftTimeLimitExceeded, ValidationError } from '../errors.ts';
import { systemClock } from '../kernel/clock.ts';
import { deferred } from '../kernel/deferred.ts';
import { createAutoretry } from './autoretry.ts';
import { currentRun } from './context.ts';
import { type policy, quietHost, received, sig, taskOf } from '../../test/kit/execution-env.ts';
import type { Run } from './env.ts';
import { Replaced } from './replace.ts';
import { noteMaxRetries } from './retry.ts';
import { runTask, thrownBy } from './run-task.ts';
import { TaskRun } from './run.ts';

const run = (handler: Parameters<typeof taskOf>[0], message = received(), own: Partial<typeof policy> = {}) =>
  runTask(message, taskOf(handler, own), quietHost, systemClock);
const isOne = (error: unknown, type: unknown): boolean => error instanceof (type as new () => Error);

test('a value is encoded where the task ran, with its repr', async () => {
  const outcome = await run((_, x: number, y: number) => ({ sum: x + y }), received({ args: [2, 2] }));
  expect(outcome).toMatchObject({ state: 'SUCCESS', valueJson: '{"sum":4}', repr: "{'sum': 4}", endsHere: true, children: [] });
});

test('undefined is null', async () => {
  expect(await run(() => undefined)).toMatchObject({ state: 'SUCCESS', valueJson: 'null', repr: 'None' });
});

test('a callback in the body means that more follows', async () => {
  expect(await run(() => 1, received({ embed: { callbacks: [sig('next')] } }))).toMatchObject({ endsHere: false });
});

test('the run can be asked for from anywhere inside the task, also after an await', async () => {
  const message = received();
  const seen: unknown[] = [];
  await run(async () => {
    seen.push(currentRun()?.received);
    await Promise.resolve();
    seen.push(currentRun()?.received);
  }, message);
  expect(seen).toEqual([message, message]);
  expect(currentRun()).toBeUndefined();
});

test('a thrown error is data, and the error itself is at hand in this process', async () => {
  const error = new RangeError('out of range');
  const outcome = await run(() => Promise.reject(error));
  expect(outcome).toMatchObject({ state: 'FAILURE', error: { exc_type: 'ValueError', exc_message: ['out of range'], exc_module: 'builtins' } });
  expect(thrownBy(outcome)).toBe(error);
});

test('a body that cannot be read is a failure, and nothing follows from it', async () => {
  const broken = { ...received(), body: () => Promise.reject(new Error('unreadable')) };
  expect(await run(() => 1, broken)).toMatchObject({ state: 'FAILURE', endsHere: true });
});

test('control flow becomes outcomes', async () => {
  const throwing = (error: Error) => () => {
    throw error;
  };
  expect(await run(throwing(new Ignore()))).toMatchObject({ state: 'IGNORED' });
  expect(await run(throwing(new Reject('no')))).toMatchObject({ state: 'REJECTED', requeue: false, error: { exc_type: 'Reject' } });
  expect(await run(throwing(new Reject('no', { requeue: true })))).toMatchObject({ state: 'REJECTED', requeue: true });
  const replaced = await run(throwing(new Replaced(sig('other'))));
  expect(replaced.state === 'REPLACED' && JSON.parse(replaced.signatureJson)).toMatchObject({
    task: 'other',
    options: { task_id: 'id1', replaced_task_nesting: 1 },
  });
});

test('a retry carries the next attempt, and its traceback ends as Celery words it', async () => {
  const outcome = await run(() => {
    throw new Retry({ exc: new RangeError('k'), countdown: 1 });
  });
  expect(outcome).toMatchObject({ state: 'RETRY', error: { exc_type: 'ValueError', exc_message: ['k'] } });
  expect(outcome.state === 'RETRY' && outcome.error.traceback).toMatch(/celery\.exceptions\.Retry: Retry in 1s: ValueError\('k'\)\n$/);
});

test('a retry too many is the error given to it, else MaxRetriesExceededError', async () => {
  const late = received({ headers: { retries: 3 }, args: [1] });
  const retrying = (exc?: Error) => () => {
    throw new Retry({ exc });
  };
  expect(await run(retrying(new RangeError('k')), late)).toMatchObject({ state: 'FAILURE', error: { exc_type: 'ValueError' } });
  const exceeded = await run(retrying(), late);
  expect(exceeded).toMatchObject({ state: 'FAILURE', error: { exc_type: 'MaxRetriesExceededError', exc_module: 'celery.exceptions' } });
  expect(exceeded.state === 'FAILURE' && exceeded.error.exc_message).toEqual(["Can't retry t[id1] args:(1,) kwargs:{}"]);
  expect(await run(retrying(), late, { maxRetries: null })).toMatchObject({ state: 'RETRY' });
});

test('errors named by autoretryFor are retried, with the back-off of their attempt; others and schema errors are not', async () => {
  const autoretry = createAutoretry({ autoretryFor: [RangeError], retryBackoff: 2, retryJitter: false }, isOne);
  const failing = (error: Error) => () => {
    throw error;
  };
  const before = Date.now();
  const outcome = await run(failing(new RangeError('k')), received({ headers: { retries: 2 } }), { autoretry });
  expect(outcome.state).toBe('RETRY');
  const { options } = JSON.parse(outcome.state === 'RETRY' ? outcome.signatureJson : '') as { options: Record<string, string> };
  expect(Math.round((Date.parse(options['eta']!) - before) / 1000)).toBe(8);
  expect(await run(failing(new TypeError('k')), received(), { autoretry })).toMatchObject({ state: 'FAILURE' });
  const all = createAutoretry({ autoretryFor: [Error], dontAutoretryFor: [SyntaxError] }, isOne);
  expect(await run(failing(new SyntaxError('k')), received(), { autoretry: all })).toMatchObject({ state: 'FAILURE' });
  expect(await run(failing(new ValidationError('bad', [])), received(), { autoretry: all })).toMatchObject({ state: 'FAILURE' });
});

test('an autoretry keeps to the limit that retry() was given in the same run', async () => {
  const autoretry = createAutoretry({ autoretryFor: [RangeError] }, isOne);
  const outcome = await run(
    (self) => {
      noteMaxRetries(self, { maxRetries: 1 });
      throw new RangeError('k');
    },
    received({ headers: { retries: 1 } }),
    { autoretry },
  );
  expect(outcome).toMatchObject({ state: 'FAILURE', error: { exc_type: 'ValueError' } });
});

test('a value that cannot travel is a failure and no retry', async () => {
  const autoretry = createAutoretry({ autoretryFor: () => false }, isOne);
  expect(await run(() => ({ f: () => 1 }), received(), { autoretry })).toMatchObject({ state: 'FAILURE', error: { exc_type: 'EncodeError' } });
});

test('the outcome waits for calls that were not awaited, and those they set off', async () => {
  const gates = [deferred(), deferred()];
  const host = { ...quietHost, growChord: (_: string, by: number) => gates[by]!.promise };
  const ended = runTask(
    received(),
    taskOf((self) => {
      void self.host.growChord('g', 0).then(() => self.host.growChord('g', 1));
    }),
    host,
    systemClock,
  );
  const state = { hasEnded: false };
  void Promise.resolve(ended).then(() => (state.hasEnded = true));
  gates[0]!.resolve();
  await systemClock.sleep(5);
  expect(state.hasEnded).toBe(false);
  gates[1]!.resolve();
  expect(await ended).toMatchObject({ state: 'SUCCESS' });
});

test('a signal asked for late is aborted already, with the first reason', () => {
  const one = new TaskRun(received(), quietHost);
  one.abort(new Error('first'));
  one.abort(new Error('second'));
  expect(one.signal.aborted && (one.signal.reason as Error).message).toBe('first');
});

test('who listens to the signal is still inside the run', () => {
  const one = new TaskRun(received(), quietHost);
  const seen: unknown[] = [];
  one.signal.addEventListener('abort', () => seen.push(currentRun()));
  one.abort(new Error('over'));
  expect(seen).toEqual([one]);
});

test("an AbortError of the run's own signal stands for the reason: failures, retries and autoretries tell that one", async () => {
  const limit = new SoftTimeLimitExceeded('over');
  const waiting = async (current: Run): Promise<unknown> => {
    const waited = sleep(60_000, undefined, { signal: current.signal });
    aborting(current);
    return waited;
  };
  const aborting = (current: Run): void => (current as TaskRun).abort(limit);
  const failed = await run(waiting);
  expect(failed).toMatchObject({ state: 'FAILURE', error: { exc_type: 'SoftTimeLimitExceeded', exc_message: ['over'] } });
  expect(thrownBy(failed)).toBe(limit);
  const again = (current: Run): Promise<unknown> =>
    waiting(current).catch((exc: Error) => {
      throw new Retry({ exc });
    });
  expect(await run(again)).toMatchObject({ state: 'RETRY', error: { exc_type: 'SoftTimeLimitExceeded' } });
  expect(await run(again, received({ headers: { retries: 3 } }))).toMatchObject({ state: 'FAILURE', error: { exc_type: 'SoftTimeLimitExceeded' } });
  const autoretry = createAutoretry({ autoretryFor: [SoftTimeLimitExceeded] }, isOne);
  expect(await run(waiting, received(), { autoretry })).toMatchObject({ state: 'RETRY', error: { exc_type: 'SoftTimeLimitExceeded' } });
});

test("an AbortError of another signal stands for itself, before and after the run's own was aborted", async () => {
  const other = AbortSignal.abort(new Error('another'));
  const waiting = (): Promise<unknown> => sleep(60_000, undefined, { signal: other });
  expect(await run(waiting)).toMatchObject({ state: 'FAILURE', error: { exc_type: 'AbortError' } });
  const late = (current: Run): Promise<unknown> => {
    (current as TaskRun).abort(new SoftTimeLimitExceeded('over'));
    return waiting();
  };
  expect(await run(late)).toMatchObject({ state: 'FAILURE', error: { exc_type: 'AbortError' } });
});
