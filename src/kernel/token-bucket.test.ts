import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { TokenBucket } from './token-bucket.ts';

test('tokens come back with time, never more than there is room for', async () => {
  const clock = createFakeClock();
  const bucket = new TokenBucket(clock, 2, 3);
  expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, true, false]);
  expect(bucket.waitMs()).toBe(500);
  await clock.advance(500);
  expect([bucket.waitMs(), bucket.take(), bucket.take()]).toEqual([0, true, false]);
  await clock.advance(60_000);
  expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([true, true, true, false]);
});

test('after the wait that it names there is a token', async () => {
  const clock = createFakeClock();
  const bucket = new TokenBucket(clock, 100 / 60);
  bucket.take();
  for (let i = 0; i < 100; i++) {
    await clock.advance(bucket.waitMs());
    expect(bucket.take()).toBe(true);
  }
});
