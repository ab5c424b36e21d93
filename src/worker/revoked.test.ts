import { expect, test } from 'vitest';
import { systemClock } from '../kernel/clock.ts';
import { Revoked } from './revoked.ts';

const task = (id: string, stamps: Record<string, string | string[]> = {}) => ({ id, stamps, stamped_headers: Object.keys(stamps) });

test('knows the ids it was told', () => {
  const revoked = new Revoked(systemClock);
  revoked.add(['a', 'b']);
  expect(revoked.has(task('a'))).toBe(true);
  expect(revoked.has(task('c'))).toBe(false);
  expect(revoked.ids.values()).toEqual(['a', 'b']);
});

test('knows tasks by any of their stamps, one value or several', () => {
  const revoked = new Revoked(systemClock);
  revoked.addStamps('order', ['17', '18']);
  expect(revoked.has(task('a', { customer: '5', order: '18' }))).toBe(true);
  expect(revoked.has(task('b', { order: ['1', '17'] }))).toBe(true);
  expect(revoked.has(task('c', { order: '19' }))).toBe(false);
});

test('a stamp that is not declared does not count', () => {
  const revoked = new Revoked(systemClock);
  revoked.addStamps('order', ['17']);
  expect(revoked.has({ id: 'a', stamps: { order: '17' }, stamped_headers: null })).toBe(false);
});

test('never grows beyond 50,000 ids', () => {
  const revoked = new Revoked(systemClock);
  revoked.add(Array.from({ length: 50_010 }, (_, i) => String(i)));
  expect(revoked.ids.size).toBe(50_000);
  expect(revoked.has(task('0'))).toBe(false);
  expect(revoked.has(task('50009'))).toBe(true);
});
