import { expect, test } from 'vitest';
import { exponentialBackoffMs } from './backoff.ts';

test('waits double up to the most', () => {
  expect([0, 1, 2, 3, 20].map((n) => exponentialBackoffMs(n, { factorMs: 1000, maxMs: 5000 }))).toEqual([1000, 2000, 4000, 5000, 5000]);
});

test('jitter takes a random part of the wait, from none to all of it', () => {
  const wait = (random: number): number => exponentialBackoffMs(2, { factorMs: 1000, maxMs: 600_000, jitter: true, random: () => random });
  expect([wait(0), wait(0.5), wait(0.999_999_99)]).toEqual([0, 2000, 4000]);
});
