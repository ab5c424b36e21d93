import type { TaskAnnotations, RateLimit } from '../../app/task-options.ts';
import type { TaskRoutes } from '../../app/router.ts';
import type { PeriodicTask, SchedulerFactory } from '../../beat/schedule.ts';
import type { DeliveryMode, RetryPolicy } from '../../canvas/call-options.ts';
import type { CredentialProvider, TlsOptions } from '../../clients/tls.ts';
import { durationMs, type Duration } from '../../kernel/duration.ts';
import { levelOf, type LogLevel } from '../../kernel/logger.ts';
import type { Broadcast, Queue, QueueOptions } from '../../messaging/entities.ts';
import type { PoolName } from '../../pools/pool.ts';
import type { CompressionName, SerializerName } from '../../serialization/registry.ts';
import type { Kind } from './kind.ts';

type Plain = Readonly<Record<string, unknown>>;

export const flag: Kind<boolean> = kind('true or false', (value) => (typeof value === 'boolean' ? value : undefined));
export const text: Kind<string> = kind('a string', (value) => (typeof value === 'string' ? value : undefined));
export const number: Kind<number> = kind('a number', (value) => (typeof value === 'number' && !Number.isNaN(value) ? value : undefined));
/** A whole number, zero or more. */
export const count: Kind<number> = kind('a whole number, 0 or more', (value) =>
  Number.isInteger(value) && (value as number) >= 0 ? (value as number) : undefined,
);
export const duration: Kind<Duration> = kind("seconds as a number, or a string such as '10s', '5m' or '1d'", (value) =>
  (durationMs(value) ?? -1) >= 0 ? (value as Duration) : undefined,
);
export const names: Kind<readonly string[]> = kind('a list of strings', (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined,
);
export const record: Kind<Plain> = kind('an object', (value) => (isPlain(value) ? value : undefined));
export const textRecord: Kind<Readonly<Record<string, string>>> = kind('an object whose values are strings', (value) =>
  isPlain(value) && Object.values(value).every((item) => typeof item === 'string') ? (value as Readonly<Record<string, string>>) : undefined,
);
/** One URL, several in one string with `;` between them, or a list. */
export const urls: Kind<string | readonly string[]> = either(text, names, 'a URL, or a list of URLs');

export const serializer: Kind<SerializerName> = nameOf<SerializerName>('the name of a serializer');
export const compression: Kind<CompressionName> = nameOf<CompressionName>('the name of a compression');
export const pool: Kind<PoolName> = nameOf<PoolName>('the name of a pool');
/** As daemons take it: a number, or octal text. */
export const umask: Kind<number | string> = either(count, text, "a number, or a string such as '022'");
export const queueType = oneOf('classic', 'quorum');
export const deliveryMode: Kind<DeliveryMode> = oneOf<DeliveryMode>(1, 2, 'transient', 'persistent');
export const logLevel: Kind<LogLevel> = kind('DEBUG, INFO, WARNING, ERROR or CRITICAL', (value) =>
  typeof value === 'string' && levelOf(value) !== undefined ? levelOf(value) : undefined,
);
export const tls: Kind<boolean | TlsOptions> = either(flag, record as Kind<TlsOptions>, 'true, false, or TLS options');
export const rateLimit: Kind<RateLimit> = kind("calls a second as a number, or a string such as '100/m'", (value) => {
  if (value === null || (typeof value === 'number' && value >= 0)) return value;
  return typeof value === 'string' && /^(\d+\.?\d*|\.\d+)(\/[smh])?$/.test(value) ? (value as RateLimit) : undefined;
});
export const retryPolicy: Kind<RetryPolicy> = kind('an object with maxRetries, intervalStart, intervalStep, intervalMax', (value) => {
  if (!isPlain(value)) return undefined;
  const policy = camelKeys(value);
  return Object.keys(policy).every((key) => POLICY.includes(key)) ? policy : undefined;
});
const POLICY = ['maxRetries', 'intervalStart', 'intervalStep', 'intervalMax', 'retryErrors'];

export const queues: Kind<readonly (Queue | Broadcast | string)[] | Readonly<Record<string, QueueOptions>>> = kind(
  'a list of queues and names, or an object of name to queue options',
  (value) => {
    if (Array.isArray(value)) return value.every((item) => typeof item === 'string' || isObject(item)) ? (value as readonly Queue[]) : undefined;
    return recordOfOptions<QueueOptions>(value);
  },
);
export const routes: Kind<TaskRoutes> = kind(
  'an object of task name to queue or options, a function, or a list of these and of [pattern, route] pairs',
  (value) => {
    if (typeof value === 'function') return value as TaskRoutes;
    if (Array.isArray(value)) return value.every((item) => typeof item === 'function' || isObject(item)) ? (value as TaskRoutes) : undefined;
    return isPlain(value) ? (optionsIn(value) as TaskRoutes) : undefined;
  },
);
export const annotations: Kind<TaskAnnotations> = kind('an object of task name to options, or a list of functions', (value) =>
  Array.isArray(value) ? (value.every((item) => typeof item === 'function') ? value : undefined) : recordOfOptions(value),
);
export const periodicTasks: Kind<Readonly<Record<string, PeriodicTask>>> = kind('an object of name to entry, each with a task and a schedule', (value) => {
  const entries = recordOfOptions<PeriodicTask>(value);
  return entries !== undefined && Object.values(entries).every((entry) => 'task' in entry && 'schedule' in entry) ? entries : undefined;
});
export const scheduler: Kind<string | SchedulerFactory> = either(text, fn<SchedulerFactory>(), 'a name or a function');
export const credentials: Kind<CredentialProvider> = fn();
export const failover: Kind<'round-robin' | 'shuffle' | ((servers: readonly string[]) => Iterable<string>)> = either(
  oneOf('round-robin', 'shuffle'),
  fn(),
  "'round-robin', 'shuffle', or a function",
);

/** The kind, or null: for settings that can be left open. */
export function orNull<T>(inner: Kind<T>): Kind<T | null> {
  return kind(`${inner.expected}, or null`, (value) => (value === null ? null : inner.read(value)));
}

export function oneOf<const T extends string | number>(...choices: readonly T[]): Kind<T> {
  const shown = choices.map((choice) => JSON.stringify(choice).replaceAll('"', "'"));
  return kind(shown.length === 1 ? shown[0]! : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)!}`, (value) => choices.find((choice) => choice === value));
}

export function either<A, B>(a: Kind<A>, b: Kind<B>, expected: string): Kind<A | B> {
  return kind<A | B>(expected, (value) => a.read(value) ?? b.read(value));
}

export function fn<F extends (...args: never[]) => unknown>(): Kind<F> {
  return kind('a function', (value) => (typeof value === 'function' ? (value as F) : undefined));
}

/** A name that is looked up when it is used: there may be more than those we know. */
function nameOf<T extends string>(expected: string): Kind<T> {
  return kind(expected, (value) => (typeof value === 'string' && value !== '' ? (value as T) : undefined));
}

export function kind<T>(expected: string, read: (value: unknown) => T | undefined): Kind<T> {
  return { expected, read };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** An object that somebody wrote down, no list, date or instance of a class. */
function isPlain(value: unknown): value is Plain {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Options come as Celery writes them too (`routing_key`): their own names only, not what is somebody's data beneath them. */
function camelKeys(value: Plain): Plain {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()), item]),
  );
}

const optionsIn = (value: Plain): Plain => Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isPlain(item) ? camelKeys(item) : item]));

function recordOfOptions<T extends object>(value: unknown): Readonly<Record<string, T>> | undefined {
  return isPlain(value) && Object.values(value).every(isPlain) ? (optionsIn(value) as Readonly<Record<string, T>>) : undefined;
}
