import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { retry, retryWaitMs } from './retry.ts';

const policy = { maxRetries: 3, intervalStartMs: 0, intervalStepMs: 200, intervalMaxMs: 300 };

test('waits grow by steps up to the most', () => {
  expect([0, 1, 2, 3].map((attempt) => retryWaitMs(policy, attempt))).toEqual([0, 200, 300, 300]);
});

test('it tries until it works, and says what it waits for', async () => {
  const clock = createFakeClock();
  const waits: number[] = [];
  let calls = 0;
  const done = retry(
    async () => {
      calls += 1;
      if (calls < 3) throw new Error(`no ${calls}`);
      return 'yes';
    },
    policy,
    { clock, isRetryable: () => true, onRetry: (_, __, waitMs) => waits.push(waitMs) },
  );
  await clock.advance(1000);
  expect(await done).toBe('yes');
  expect(waits).toEqual([0, 200]);
});

test('the policy used up, another kind of error, or an abort ends it', async () => {
  const clock = createFakeClock();
  const calls = { n: 0 };
  const fail = async (): Promise<never> => {
    calls.n += 1;
    throw new Error('no');
  };
  const used = retry(fail, policy, { clock, isRetryable: () => true });
  used.catch(() => undefined);
  await clock.advance(1000);
  await expect(used).rejects.toThrow('no');
  expect(calls.n).toBe(4);
  await expect(retry(fail, policy, { clock, isRetryable: () => false })).rejects.toThrow('no');
  expect(calls.n).toBe(5);
  const controller = new AbortController();
  const endless = retry(
    fail,
    { ...policy, maxRetries: null, intervalStartMs: 1000, intervalMaxMs: 1000 },
    { clock, isRetryable: () => true, signal: controller.signal },
  );
  endless.catch(() => undefined);
  await clock.advance(5000);
  controller.abort(new Error('stop'));
  await expect(endless).rejects.toThrow('stop');
  expect(clock.pending).toBe(0);
});
