import { ImproperlyConfigured } from '../errors.ts';
import { checkValue } from './check.ts';
import { camelName, isSetting, namesThatBegin, nearestName, rowOf, snakeName } from './names.ts';
import { readSource } from './resolve.ts';
import type { SettingsInput } from './settings/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says. As in Celery it is stronger than what the program configured. */
export function environmentSettings(env: Environment = process.env): SettingsInput {
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  return {
    brokerUrl: given('CELERY_BROKER_URL'),
    brokerReadUrl: given('CELERY_BROKER_READ_URL'),
    brokerWriteUrl: given('CELERY_BROKER_WRITE_URL'),
    resultBackend: given('CELERY_RESULT_BACKEND'),
    ...commandLineSettings(listIn(given('CELERIAC_SETTINGS'))),
  };
}

/** What a worker's command line said after `--`, as its children inherit it. */
function listIn(json: string | undefined): readonly string[] {
  return json === undefined ? [] : (JSON.parse(json) as readonly string[]);
}

/** Modules that a worker's command line named with `-I`, as its children inherit them. */
export const environmentInclude = (env: Environment = process.env): readonly string[] =>
  (env['CELERIAC_INCLUDE'] ?? '').split(',').filter((name) => name !== '');

/** The module of settings that the environment names (`CELERY_CONFIG_MODULE`). */
export const environmentModule = (env: Environment = process.env): string | undefined => env['CELERY_CONFIG_MODULE'] || undefined;

/** A number that the environment may change (`CELERY_WORKER_REVOKES_MAX`). ImproperlyConfigured when it is none. */
export function environmentNumber(name: string, fallback: number, env: Environment = process.env): number {
  const text = env[name];
  if (text === undefined || text.trim() === '') return fallback;
  const value = Number(text);
  if (Number.isNaN(value)) throw new ImproperlyConfigured(`The environment variable ${name} should be a number, but is ${JSON.stringify(text)}.`);
  return value;
}

/** Settings of a loaded module: its default export if that is an object, else its named exports. Functions and other exports that are no settings are left alone. */
export function moduleSettings(module: Readonly<Record<string, unknown>>, options: { readonly namespace?: string | undefined } = {}): SettingsInput {
  const inner = module['default'];
  const source = typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>) : module;
  return readSource(Object.fromEntries(Object.entries(source).filter(([name]) => !['default', 'module.exports', '__esModule'].includes(name))), options);
}

/**
 * Settings from the end of a command line, after `--`: `worker.prefetch_multiplier=1`, `task_acks_late=true`, and under `namespace` in short `.prefetch_multiplier=1`.
 * A value is what the setting takes: a number, true or false, JSON, else text.
 */
export function commandLineSettings(args: readonly string[], namespace = 'worker'): SettingsInput {
  const pairs = args.map((arg) => {
    const match = /^([\w.]+)=(.*)$/s.exec(arg);
    if (match === null) throw new ImproperlyConfigured(`After -- settings are expected, such as worker.prefetch_multiplier=1, but got ${JSON.stringify(arg)}.`);
    const short = /^[._]/.test(match[1]!) ? `${namespace}${match[1]!}` : match[1]!;
    const written = short.replaceAll('.', '_');
    return [written, match[2]!] as const;
  });
  return Object.fromEntries(pairs.map(([written, text]) => settingFromText(written, text)));
}

function settingFromText(written: string, text: string): readonly [name: string, value: unknown] {
  const name = isSetting(written) ? written : camelName(snakeName(written));
  if (!isSetting(name)) {
    const snake = snakeName(name);
    const meant = [nearestName(snake) ?? namesThatBegin(snake)].flat().slice(0, 5);
    throw new ImproperlyConfigured(
      `There is no setting "${written}".${meant.length === 0 ? '' : ` Did you mean ${meant.map((one) => `"${one}"`).join(' or ')}?`}`,
    );
  }
  for (const candidate of readings(text)) {
    if (rowOf(name).kind.read(candidate) !== undefined) return [name, candidate];
  }
  const result = checkValue(name, text, written);
  throw new ImproperlyConfigured('complaint' in result ? result.complaint : written);
}

const WORDS: Readonly<Record<string, unknown>> = { true: true, yes: true, on: true, false: false, no: false, off: false, none: null, null: null };

/** What a text may mean, most telling first. */
function* readings(text: string): Generator<unknown> {
  if (Object.hasOwn(WORDS, text.toLowerCase())) yield WORDS[text.toLowerCase()];
  try {
    yield JSON.parse(text) as unknown;
  } catch {
    // Not JSON, so it is a plain text.
  }
  yield text;
}
