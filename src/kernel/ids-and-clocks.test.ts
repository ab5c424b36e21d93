import { expect, test } from 'vitest';
import { assertNever } from './assert-never.ts';
import { newId } from './ids.ts';
import { LamportClock } from './lamport-clock.ts';

test('ids are random UUIDs, never the same', () => {
  // More than are made of one helping of random bytes.
  const ids = Array.from({ length: 2000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  // All digits occur everywhere but at the dashes, the version and the variant.
  for (let place = 0; place < 36; place++) {
    const digits = new Set(ids.map((id) => id[place]));
    const isFixed = [8, 13, 14, 18, 23].includes(place);
    expect(digits.size, `digits at place ${place}`).toBe(isFixed ? 1 : place === 19 ? 4 : 16);
  }
});

test('the logical clock goes forward with each event, and past those of others', () => {
  const clock = new LamportClock(4);
  expect([clock.forward(), clock.adjust(10), clock.adjust(3), clock.value]).toEqual([5, 11, 12, 12]);
});

test.each([1e308, Infinity, NaN, 2 ** 53, Number.MAX_SAFE_INTEGER, 0.5, -7, 2n ** 60n, '9'])('a clock of %s does not move ours', (hostile) => {
  const clock = new LamportClock(4);
  expect([clock.adjust(hostile), clock.forward()]).toEqual([5, 6]);
});

test('a case that was forgotten says so', () => {
  expect(() => assertNever('odd' as never)).toThrow('unexpected value: "odd"');
});
