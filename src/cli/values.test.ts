import { expect, test } from 'vitest';
import { commaList, concurrency, logLevel, moment, momentOrSeconds, seconds } from './values.ts';

test('lists may be written with spaces, and hold nothing empty', () => {
  expect(commaList('a, b,,c ')).toEqual(['a', 'b', 'c']);
});

test('times are seconds, units, or ISO-8601 that is UTC without a zone', () => {
  expect([seconds('2.5'), seconds('5m')]).toEqual([2.5, '5m']);
  expect(moment('2026-11-22T10:00:00')).toBe('2026-11-22T10:00:00Z');
  expect(moment('2026-11-22')).toBe('2026-11-22T00:00:00Z');
  expect(moment('2026-11-22T10:00:00+02:00')).toBe('2026-11-22T10:00:00+02:00');
  expect([momentOrSeconds('60'), momentOrSeconds('2026-11-22T10:00:00Z')]).toEqual([60, '2026-11-22T10:00:00Z']);
  expect(() => seconds('10 sec')).toThrow('Seconds are expected');
  expect(() => seconds('-1')).toThrow('Seconds are expected');
  expect(() => moment('2026-13-45')).toThrow('A time in ISO-8601 is expected');
});

test('levels are names in any case, or Python’s numbers', () => {
  expect([logLevel('info'), logLevel('WARN'), logLevel('10'), logLevel('fatal')]).toEqual(['INFO', 'WARNING', 'DEBUG', 'CRITICAL']);
  expect(() => logLevel('25')).toThrow('is expected');
});

test('a pool has a size, or auto', () => {
  expect([concurrency('4'), concurrency('AUTO')]).toEqual([4, 'auto']);
  expect(() => concurrency('-1')).toThrow('is expected');
});
