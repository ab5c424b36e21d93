import { isDeepStrictEqual } from 'node:util';
import { maskText } from '../kernel/broker-url.ts';
import { isSetting, rowOf, snakeName } from './names.ts';
import { resolveSettings } from './resolve.ts';
import { settingsTable, type Settings } from './settings/index.ts';

/** Names of what is never shown, in options of drivers and in users' own settings. */
const SECRET = /api_?key|token|secret|pass(?:word|wd|phrase)?$|credential|private_?key|signature/i;

/** Settings as they may be shown: secrets hidden, passwords in URLs masked, by Celery's names. `changed` leaves out what is as the default. */
export function maskSettings(settings: Readonly<Settings>, options: { readonly changed?: boolean } = {}): Readonly<Record<string, unknown>> {
  const shown = options.changed === true ? changedOf(settings) : Object.entries(settings);
  return Object.fromEntries(shown.map(([name, value]) => [snakeName(name), isSecret(name) ? hidden(value) : masked(value)]));
}

/** One line for each changed setting, as `celery report` prints them. */
export function settingsReport(settings: Readonly<Settings>): string {
  return Object.entries(maskSettings(settings, { changed: true }))
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))}`)
    .join('\n');
}

/** The settings that are given but stand for something not built yet. The worker names them when it starts. */
export function unbuiltSettings(settings: Readonly<Settings>): readonly string[] {
  return changedOf(settings)
    .map(([name]) => name)
    .filter((name) => isSetting(name) && !rowOf(name).built);
}

/** What somebody has set: not the default, and not what follows from other settings anyway. */
function changedOf(settings: Readonly<Settings>): readonly (readonly [name: string, value: unknown])[] {
  const { brokerUrl, taskDefaultQueue, brokerConnectionRetry } = settings;
  const expected: Readonly<Record<string, unknown>> = {
    ...resolveSettings([{ brokerUrl, taskDefaultQueue, brokerConnectionRetry }]),
    brokerUrl: null,
    taskDefaultQueue: settingsTable.taskDefaultQueue.default,
    brokerConnectionRetry: settingsTable.brokerConnectionRetry.default,
  };
  return Object.entries(settings).filter(([name, value]) => !isDeepStrictEqual(value, expected[name]));
}

const isSecret = (name: string): boolean => (isSetting(name) ? rowOf(name).secret : SECRET.test(name));
const hidden = (value: unknown): unknown => (value === null || value === undefined ? value : '********');

/** A copy that can be shown and be JSON: of objects that somebody wrote down only, and not for ever down. */
function masked(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value === 'function') return `<function ${value.name === '' ? 'anonymous' : value.name}>`;
  if (typeof value === 'bigint' || typeof value === 'symbol' || value instanceof RegExp || value instanceof Date) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 5) return '…';
  if (Array.isArray(value)) return value.map((item) => masked(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, SECRET.test(key) || key === 'key' ? hidden(item) : masked(item, depth + 1)]));
}
