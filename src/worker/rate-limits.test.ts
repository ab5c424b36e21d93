import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { TimerHeap } from '../kernel/timer-heap.ts';
import { RateLimits, parseRate } from './rate-limits.ts';

function setUp() {
  const clock = createFakeClock(0);
  const served: (readonly [item: string, at: number])[] = [];
  const limits = new RateLimits<string>({ clock, timers: new TimerHeap(clock), onToken: (item) => served.push([item, clock.now()]) });
  return { clock, served, limits };
}

test('lets one through at once and the others at the rate, in order', async () => {
  const { clock, served, limits } = setUp();
  for (const item of ['a', 'b', 'c']) limits.wait('t', 2, item);
  expect(served).toEqual([['a', 0]]);
  await clock.advance(10_000);
  expect(served).toEqual([
    ['a', 0],
    ['b', 500],
    ['c', 1000],
  ]);
});

test('task types do not wait for each other', () => {
  const { served, limits } = setUp();
  limits.wait('t', 1, 'a');
  limits.wait('t', 1, 'b');
  limits.wait('u', 1, 'c');
  expect(served.map(([item]) => item)).toEqual(['a', 'c']);
});

test('no limit any more sets free whoever waits', () => {
  const { served, limits } = setUp();
  for (const item of ['a', 'b', 'c']) limits.wait('t', 0.001, item);
  limits.set('t', null);
  expect(served.map(([item]) => item)).toEqual(['a', 'b', 'c']);
  expect(limits.rateOf({ name: 't', policy: { ratePerSecond: 5 } })).toBeNull();
});

test('another limit holds for whoever waits', async () => {
  const { clock, served, limits } = setUp();
  for (const item of ['a', 'b', 'c']) limits.wait('t', 0.001, item);
  limits.set('t', 10);
  await clock.advance(1000);
  expect(served).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 100],
  ]);
});

test('who was removed gets no token', async () => {
  const { clock, served, limits } = setUp();
  for (const item of ['a', 'b', 'c']) limits.wait('t', 1, item);
  limits.remove('t', 'b');
  await clock.advance(1000);
  expect(served.map(([item]) => item)).toEqual(['a', 'c']);
});

test.each([
  ['10/m', 10 / 60],
  ['5', 5],
  ['2/s', 2],
  ['1/h', 1 / 3600],
  [3, 3],
  ['0', null],
  [0, null],
  [null, null],
  ['fast', undefined],
  ['10/d', undefined],
] as const)('reads the rate %j', (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});
