import { InvalidArgumentError } from 'commander';
import { durationMs, type Duration } from '../kernel/duration.ts';
import { levelOf, type Level } from '../kernel/logger.ts';
import type { IsoString } from '../errors.ts';

/** `a,b` as a list. */
export function commaList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

export function jsonArray(text: string): readonly unknown[] {
  const value = json(text);
  if (!Array.isArray(value)) throw new InvalidArgumentError(`A JSON array is expected, such as [2, 2].`);
  return value;
}

export function jsonObject(text: string): Readonly<Record<string, unknown>> {
  const value = json(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidArgumentError(`A JSON object is expected, such as {"x": 2}.`);
  return value as Readonly<Record<string, unknown>>;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as Error).message}.`);
  }
}

/** Seconds, or a number with its unit. */
export function seconds(text: string): Duration {
  const value = text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  if ((durationMs(value) ?? -1) < 0) throw new InvalidArgumentError(`Seconds are expected, or a number with its unit: 10, 2.5, 500ms, 5m, 1h.`);
  return value as Duration;
}

/** A moment in ISO-8601. Without a zone it is UTC, as in Celery. */
export function moment(text: string): IsoString {
  const stamp = /[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.includes('T') ? text : `${text}T00:00:00`}Z`;
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(Date.parse(stamp)))
    throw new InvalidArgumentError(`A time in ISO-8601 is expected, such as 2026-11-22T10:00:00+00:00.`);
  return stamp as IsoString;
}

/** A moment, or seconds from now. */
export function momentOrSeconds(text: string): IsoString | Duration {
  return /^\d{4}-\d\d-\d\d/.test(text) ? moment(text) : seconds(text);
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number, 0 or more, is expected.');
  return value;
}

/** A pool's size. */
export function concurrency(text: string): number | 'auto' {
  if (text.toLowerCase() === 'auto') return 'auto';
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) throw new InvalidArgumentError("A whole number or 'auto' is expected.");
  return value;
}

/** A level by its name, or by Python's number. */
export function logLevel(text: string): Level {
  const level = levelOf(NUMBERS[text] ?? text);
  if (level === undefined) throw new InvalidArgumentError('DEBUG, INFO, WARNING, ERROR or CRITICAL is expected.');
  return level;
}
const NUMBERS: Readonly<Record<string, string>> = { 10: 'DEBUG', 20: 'INFO', 30: 'WARNING', 40: 'ERROR', 50: 'CRITICAL' };
