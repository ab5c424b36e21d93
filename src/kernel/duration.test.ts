import { expect, test } from 'vitest';
import { durationMs } from './duration.ts';

test.each([
  [1, 1000],
  [0.25, 250],
  [Infinity, Infinity],
  ['250ms', 250],
  ['10s', 10_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['.5s', 500],
  ['-1s', -1000],
])('%s is %d ms', (duration, ms) => {
  expect(durationMs(duration)).toBe(ms);
});

test.each(['10', '10 s', '10 sec', '1h30m', '', 's', Number.NaN, null, undefined, {}])('%s is no duration', (duration) => {
  expect(durationMs(duration)).toBeUndefined();
});
