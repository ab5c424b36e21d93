import { expect, test } from 'vitest';
import { Prefetch } from './prefetch.ts';

const idle = { room: 10, runningLate: 0, limited: 0, scheduled: 0 };
const shortTasks = (prefetch: Prefetch, count: number): void => {
  for (let i = 0; i < count; i++) prefetch.ended(1, 10);
};

test('first asks for the free slots only', () => {
  const prefetch = new Prefetch({ multiplier: 4, etaLimit: 1000 });
  expect(prefetch.window(idle, 10)).toBe(10);
  expect(prefetch.window({ ...idle, room: 3, runningLate: 7 }, 10)).toBe(10);
  expect(prefetch.window({ ...idle, room: 3 }, 10)).toBe(3);
});

test('grows in doubling steps to multiplier times concurrency while tasks are short, and no further', () => {
  const prefetch = new Prefetch({ multiplier: 4, etaLimit: 1000 });
  shortTasks(prefetch, 5);
  expect(prefetch.window(idle, 10)).toBe(14);
  shortTasks(prefetch, 1000);
  expect(prefetch.window(idle, 10)).toBe(40);
});

test('long tasks bring it back to the free slots', () => {
  const prefetch = new Prefetch({ multiplier: 4, etaLimit: 1000 });
  shortTasks(prefetch, 1000);
  for (let i = 0; i < 8; i++) prefetch.ended(500, 10);
  expect(prefetch.window({ ...idle, room: 0, runningLate: 10 }, 10)).toBe(10);
});

test('what waits for a token leaves the free slots to others, up to the limit', () => {
  const prefetch = new Prefetch({ multiplier: 4, etaLimit: 1000 });
  expect(prefetch.window({ ...idle, limited: 12 }, 10)).toBe(22);
  expect(prefetch.window({ ...idle, limited: 500 }, 10)).toBe(40);
});

test('what waits for its eta is held besides, up to its own limit', () => {
  const prefetch = new Prefetch({ multiplier: 4, etaLimit: 100 });
  expect(prefetch.window({ ...idle, scheduled: 30 }, 10)).toBe(40);
  expect(prefetch.window({ ...idle, scheduled: 5000 }, 10)).toBe(110);
});

test('a multiplier of 0 means no limit but that of the protocol', () => {
  const prefetch = new Prefetch({ multiplier: 0, etaLimit: 1000 });
  shortTasks(prefetch, 70_000);
  expect(prefetch.window(idle, 10)).toBe(65_535);
});

test('more slots, as of a pool that holds windows of very short tasks, let it take more; fewer bring it back at once', () => {
  const prefetch = new Prefetch({ multiplier: 4, etaLimit: 1000 });
  for (let i = 0; i < 1000; i++) prefetch.ended(1, 64);
  expect(prefetch.window({ ...idle, room: 64 }, 64)).toBe(256);
  expect(prefetch.window({ ...idle, room: 2 }, 2)).toBe(8);
});
