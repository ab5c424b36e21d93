import { nearest } from '../kernel/nearest.ts';
import { settingsTable } from './settings/index.ts';
import type { Setting } from './settings/kind.ts';

export type SettingName = keyof typeof settingsTable;
/** Which of Celery's two generations of names a spelling belongs to; some belong to both (`BROKER_URL`). */
export type Generation = 'new' | 'old' | 'both';
export interface Spelling {
  readonly name: SettingName;
  readonly generation: Generation;
}

export const rowOf = (name: SettingName): Setting<unknown> => settingsTable[name] as Setting<unknown>;
export const isSetting = (name: string): name is SettingName => Object.hasOwn(settingsTable, name);

/** `taskDefaultQueue` as Celery writes it: `task_default_queue`. */
export const snakeName = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** `task_default_queue` and `TASK_DEFAULT_QUEUE` as it is written here. */
export const camelName = (name: string): string => name.toLowerCase().replaceAll(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Which setting a name in any spelling means. */
export function spellingOf(written: string): Spelling | undefined {
  return spellings().get(written);
}

/** The setting that a name resembles, spelled as that name is. */
export function nearestName(written: string): string | undefined {
  const all = Object.keys(settingsTable) as SettingName[];
  const style = styleOf(written);
  const known = [...all.map(style), ...(isUpper(written) ? all.map((name) => rowOf(name).old ?? '') : [])];
  return nearest(written, known) ?? known.find((name) => endsLike(name, written));
}

/** What the constructor calls these settings, and Python's programs, too. */
export const shortNames: ReadonlyMap<string, SettingName> = new Map([
  ['broker', 'brokerUrl'],
  ['backend', 'resultBackend'],
]);

/** Settings of which the name, two words or more, is only the beginning: `worker_prefetch` of `worker_prefetch_multiplier`. In snake_case. */
export function namesThatBegin(written: string): readonly string[] {
  const snake = snakeName(written);
  return snake.includes('_')
    ? Object.keys(settingsTable)
        .map(snakeName)
        .filter((name) => name.startsWith(`${snake}_`))
    : [];
}

/** The spelling of the setting in the manner of `like`: camelCase, snake_case or upper case. */
export const inStyleOf = (like: string, name: SettingName): string => styleOf(like)(name);

const isUpper = (written: string): boolean => /^[A-Z0-9_]+$/.test(written);

function styleOf(written: string): (name: string) => string {
  if (isUpper(written)) return (name) => snakeName(name).toUpperCase();
  return written.includes('_') ? snakeName : (name) => name;
}

/** `prefetchMultiplier` for `workerPrefetchMultiplier`: two words or more that only lack what comes before. */
function endsLike(name: string, written: string): boolean {
  const snake = snakeName(camelName(snakeName(written)));
  return snake.includes('_') && snakeName(camelName(snakeName(name))).endsWith(`_${snake}`);
}

const cache: { spellings?: ReadonlyMap<string, Spelling> } = {};

function spellings(): ReadonlyMap<string, Spelling> {
  if (cache.spellings !== undefined) return cache.spellings;
  const found = new Map<string, Spelling>();
  for (const name of Object.keys(settingsTable) as SettingName[]) {
    const snake = snakeName(name);
    found.set(name, { name, generation: 'new' }).set(snake, { name, generation: 'new' });
    found.set(snake.toUpperCase(), { name, generation: 'both' });
  }
  // After all others: an old name may look like the upper case of a newer one, and then means what it meant.
  for (const name of Object.keys(settingsTable) as SettingName[]) {
    const old = rowOf(name).old;
    if (old !== undefined) found.set(old, { name, generation: 'old' });
  }
  return (cache.spellings = found);
}
