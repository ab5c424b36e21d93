import { ImproperlyConfigured } from '../errors.ts';
import { durationMs } from '../kernel/duration.ts';
import { checkName, checkSettings, checkValue, throwAll } from './check.ts';
import { embeddedUrl } from './embedded.ts';
import { camelName, inStyleOf, spellingOf, type SettingName } from './names.ts';
import { settingsTable, type Settings, type SettingsInput } from './settings/index.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * The settings of an app, from layers in camelCase, the strongest last: usually defaults, what was configured, the environment.
 * `undefined` is not given. Without a broker messages and results are in the project's own SQLite file.
 * Throws ImproperlyConfigured that lists everything wrong.
 */
export function resolveSettings(layers: readonly SettingsInput[], embedded: () => string = embeddedUrl): Readonly<Settings> {
  const values: Record<string, unknown> = Object.fromEntries(Object.entries(settingsTable).map(([name, row]) => [name, row.default]));
  for (const layer of layers) Object.assign(values, checkSettings(layer as Values));
  const settings = values as { -readonly [K in keyof Settings]: Settings[K] };
  settings.brokerUrl ??= urlOfParts(settings);
  if (settings.brokerUrl === null) {
    settings.brokerUrl = embedded();
    settings.resultBackend ??= settings.brokerUrl;
  }
  settings.taskDefaultExchange ??= settings.taskDefaultQueue;
  settings.taskDefaultRoutingKey ??= settings.taskDefaultQueue;
  settings.brokerReadUrl ??= settings.brokerUrl;
  settings.brokerWriteUrl ??= settings.brokerUrl;
  settings.brokerConnectionRetryOnStartup ??= settings.brokerConnectionRetry;
  checkTogether(settings);
  return Object.freeze(settings);
}

/**
 * Settings in any of Celery's spellings, as camelCase. As in Celery the names of Celery 3 cannot be mixed with newer ones, unless both are there: then those of the majority count.
 * With a namespace only keys with its prefix are looked at (`CELERY_TASK_DEFAULT_QUEUE`), and they are newer names.
 */
export function readSource(source: Values, options: { readonly namespace?: string | undefined } = {}): SettingsInput {
  const prefix = options.namespace === undefined || options.namespace === '' ? '' : `${options.namespace.toUpperCase().replace(/_$/, '')}_`;
  const given = prefix === '' ? plainKeys(source) : keysUnder(prefix, source);
  const complaints: string[] = [];
  const known: Given[] = [];
  const values: Record<string, unknown> = {};
  for (const entry of given) {
    if (entry.name !== undefined) known.push(entry as Given);
    else {
      const complaint = entry.complaint ?? checkName(entry.written, prefix);
      if (complaint === undefined) values[/^[a-z][^_]*$/.test(entry.written) ? entry.written : camelName(entry.written.slice(prefix.length))] = entry.value;
      else complaints.push(complaint);
    }
  }
  for (const { name, written, value } of settleGenerations(known, complaints)) {
    const result = checkValue(name, value, written);
    if ('complaint' in result) complaints.push(result.complaint);
    else values[name] = result.value;
  }
  throwAll(complaints);
  return values as SettingsInput;
}

interface Entry {
  readonly written: string;
  readonly value: unknown;
  readonly name?: SettingName;
  readonly generation?: 'new' | 'old' | 'both';
  readonly complaint?: string;
}
type Given = Entry & Required<Pick<Entry, 'name' | 'generation'>>;

function plainKeys(source: Values): readonly Entry[] {
  return entriesOf(source).map(([written, value]) => ({ written, value, ...spellingOf(written) }));
}

function keysUnder(prefix: string, source: Values): readonly Entry[] {
  return entriesOf(source)
    .filter(([written]) => written.startsWith(prefix))
    .map(([written, value]) => {
      const spelling = spellingOf(written.slice(prefix.length).toLowerCase());
      if (spelling !== undefined) return { written, value, ...spelling };
      // CELERY_ROUTES under CELERY is a name of Celery 3, where CELERY_TASK_ROUTES is meant.
      const old = spellingOf(written);
      const meant = old === undefined ? undefined : `${prefix}${inStyleOf(written, old.name)}`;
      return {
        written,
        value,
        ...(meant === undefined ? {} : { complaint: `There is no setting "${written}" in the namespace ${prefix.slice(0, -1)}. Did you mean "${meant}"?` }),
      };
    });
}

const entriesOf = (source: Values): readonly [string, unknown][] => Object.entries(source).filter(([, value]) => value !== undefined);

/** Drops what is said twice across the generations; complains of a mixture, and of one setting with two values. */
function settleGenerations(given: readonly Given[], complaints: string[]): readonly Given[] {
  const old = given.filter((entry) => entry.generation === 'old');
  const fresh = given.filter((entry) => entry.generation === 'new');
  const [stay, leave] = old.length <= fresh.length ? [fresh, old] : [old, fresh];
  const kept = new Map<SettingName, Given>();
  for (const entry of [...given.filter((one) => one.generation === 'both'), ...stay]) {
    const other = kept.get(entry.name);
    if (other !== undefined && other.generation === entry.generation && !Object.is(other.value, entry.value)) {
      complaints.push(`"${other.written}" and "${entry.written}" are the same setting with different values. Keep one.`);
    }
    kept.set(entry.name, entry);
  }
  const mixed = leave.filter((entry) => !kept.has(entry.name));
  if (mixed.length > 0 && stay.length > 0) {
    const renames = old.map((entry) => `${entry.written} to ${inStyleOf(fresh[0]!.written, entry.name)}`);
    complaints.push(`The names of Celery 3 and newer ones cannot be mixed. Rename ${renames.join(', ')}.`);
  }
  return [...kept.values()];
}

/** From the time when a broker was given in parts; `brokerHost` may hold a whole URL. */
function urlOfParts(settings: Settings): string | null {
  const { brokerHost: host, brokerTransport: transport, brokerUser: user, brokerPassword: password, brokerPort: port, brokerVhost: vhost } = settings;
  if (host === null && transport === null) return null;
  if (host?.includes('://') === true) return host;
  const login = user === null && password === null ? '' : `${encodeURIComponent(user ?? '')}${password === null ? '' : `:${encodeURIComponent(password)}`}@`;
  return `${transport ?? 'amqp'}://${login}${host ?? ''}${port === null ? '' : `:${port}`}${vhost === null ? '' : `/${vhost.replace(/^\//, '')}`}`;
}

/** What is right by itself and wrong beside another. */
function checkTogether(settings: Settings): void {
  const soft = durationMs(settings.taskSoftTimeLimit);
  const hard = durationMs(settings.taskTimeLimit);
  if (soft !== undefined && hard !== undefined && soft > hard) {
    throw new ImproperlyConfigured(
      `taskSoftTimeLimit (${settings.taskSoftTimeLimit}) is longer than taskTimeLimit (${settings.taskTimeLimit}): a task would be ended before it is asked to end.`,
    );
  }
  for (const kind of ['control', 'event'] as const) {
    if (settings[`${kind}QueueDurable`] && settings[`${kind}QueueExclusive`]) {
      throw new ImproperlyConfigured(
        `${kind}QueueDurable and ${kind}QueueExclusive cannot both be true. Set ${kind}QueueExclusive to false to have durable queues.`,
      );
    }
  }
}
