import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';

test('sleep ends after its time, or with the reason of the signal', async () => {
  const began = systemClock.monotonic();
  await systemClock.sleep(20);
  expect(systemClock.monotonic() - began).toBeGreaterThanOrEqual(19);
  await expect(systemClock.sleep(60_000, AbortSignal.abort(new Error('already')))).rejects.toThrow('already');
  const controller = new AbortController();
  const asleep = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(asleep).rejects.toThrow('enough');
});

test('what is disposed of does not run, and what is far away does not run at once', async () => {
  let runs = 0;
  systemClock.schedule(5, () => (runs += 1))[Symbol.dispose]();
  const far = systemClock.schedule(2 ** 40, () => (runs += 1));
  await systemClock.sleep(30);
  far[Symbol.dispose]();
  expect(runs).toBe(0);
});
