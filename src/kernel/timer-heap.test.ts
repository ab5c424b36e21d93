import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { TimerHeap } from './timer-heap.ts';

test('entries run in the order of their times, those of one time in the order given, on one timer', async () => {
  const clock = createFakeClock();
  const heap = new TimerHeap(clock);
  const ran: string[] = [];
  for (const [name, ms] of [
    ['c', 30],
    ['a', 10],
    ['b', 20],
    ['a2', 10],
  ] as const)
    heap.schedule(ms, () => ran.push(name));
  expect([heap.size, clock.pending]).toEqual([4, 1]);
  await clock.advance(20);
  expect(ran).toEqual(['a', 'a2', 'b']);
  await clock.advance(100);
  expect([ran.at(-1), heap.size, clock.pending]).toEqual(['c', 0, 0]);
});

test('what is disposed of, or cleared, does not run, and no timer stays behind', async () => {
  const clock = createFakeClock();
  const heap = new TimerHeap(clock);
  const ran: number[] = [];
  const entries = Array.from({ length: 200 }, (_, index) => heap.schedule(index + 1, () => ran.push(index)));
  for (const [index, entry] of entries.entries()) if (index % 3 !== 0) entry[Symbol.dispose]();
  entries[1]![Symbol.dispose]();
  expect(heap.size).toBe(67);
  await clock.advance(100);
  expect(ran).toEqual(Array.from({ length: 34 }, (_, index) => index * 3));
  heap.clear();
  expect([heap.size, clock.pending]).toEqual([0, 0]);
  await clock.advance(1000);
  expect(ran).toHaveLength(34);
});

test('an action may schedule another', async () => {
  const clock = createFakeClock();
  const heap = new TimerHeap(clock);
  const ran: number[] = [];
  const again = (): void => {
    ran.push(clock.monotonic());
    if (ran.length < 3) heap.schedule(10, again);
  };
  heap.schedule(10, again);
  await clock.advance(100);
  expect(ran).toEqual([10, 20, 30]);
});

test('an entry disposed of after it was cleared does not count twice', async () => {
  const heap = new TimerHeap(createFakeClock());
  const entry = heap.schedule(10, () => undefined);
  heap.clear();
  entry[Symbol.dispose]();
  heap.schedule(10, () => undefined);
  expect(heap.size).toBe(1);
});

test('an action that throws does not stop the others', async () => {
  const clock = createFakeClock();
  const heap = new TimerHeap(clock);
  const ran: string[] = [];
  heap.schedule(10, () => {
    throw new Error('mine');
  });
  heap.schedule(10, () => ran.push('same time'));
  heap.schedule(20, () => ran.push('later'));
  await expect(clock.advance(10)).rejects.toThrow('mine');
  await clock.advance(20);
  expect(ran).toEqual(['same time', 'later']);
});
