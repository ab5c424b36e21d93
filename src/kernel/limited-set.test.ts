import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { LimitedSet } from './limited-set.ts';

test('what is too old, and the oldest of too many, is forgotten', async () => {
  const clock = createFakeClock();
  const set = new LimitedSet<string>({ clock, maxSize: 3, expiresMs: 1000 });
  for (const item of ['a', 'b', 'c', 'd']) set.add(item);
  expect(set.values()).toEqual(['b', 'c', 'd']);
  await clock.advance(600);
  set.add('b');
  expect(set.values()).toEqual(['c', 'd', 'b']);
  await clock.advance(600);
  expect([set.has('c'), set.has('b'), set.size]).toEqual([false, true, 1]);
  expect([set.delete('b'), set.delete('b'), set.size]).toEqual([true, false, 0]);
});
