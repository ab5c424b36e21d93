import { shown } from '../config/check.ts';
import { camelName, isSetting, snakeName, spellingOf } from '../config/names.ts';
import type { Kind } from '../config/settings/kind.ts';
import {
  compression,
  count,
  deliveryMode,
  duration,
  either,
  flag,
  fn,
  kind,
  names,
  number,
  orNull,
  rateLimit,
  record,
  serializer,
  text,
} from '../config/settings/kinds.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { nearest } from '../kernel/nearest.ts';
import type { AnyOptions } from './definition.ts';

/* Kinds that only tasks have. */
const classes = kind('a list of error classes such as [NetworkError]', (value) => (Array.isArray(value) && value.every(isClass) ? value : undefined));
const errorTypes = kind('a list of error classes such as [NetworkError], or of their names in Python', (value) =>
  Array.isArray(value) && value.every((item) => isClass(item) || isPythonName(item)) ? value : undefined,
);
/** A class is a function too, but called as one it would say yes to every error. */
const predicate = kind('a function of the error', (value) => (isErrorClass(value) ? undefined : fn().read(value)));
const retries = kind('a whole number, 0 or more, or null for no limit', (value) => (value === Number.POSITIVE_INFINITY ? value : count.read(value)));
const retryKwargs = kind("an object such as { maxRetries: 5, countdown: '10s' }", (value) => {
  const { maxRetries = null, countdown = null, ...others } = record.read(value) ?? { none: null };
  if (orNull(retries).read(maxRetries) === undefined || orNull(duration).read(countdown) === undefined) return undefined;
  return Object.keys(others).length === 0 ? value : undefined;
});
const factor = kind('a factor in seconds', (value) => ((number.read(value) ?? -1) >= 0 ? value : undefined));
const priority = kind("a whole number from 0 to 9 (on RabbitMQ to the queue's maximum, at most 255)", (value) =>
  (count.read(value) ?? 256) <= 255 ? value : undefined,
);
const schema = kind('a schema of zod, valibot, arktype or the like', (value) => ('~standard' in Object(value) ? value : undefined));

/** Every option of a task. TypeScript checks names and values; this is for those who write JavaScript, and for options that come from elsewhere. */
const TASK_OPTIONS: Readonly<Record<keyof AnyOptions, Kind<unknown>>> = {
  name: text,
  bind: flag,
  base: kind('a class', (value) => (isClass(value) ? value : undefined)),
  args: schema,
  result: schema,
  kwargs: either(flag, schema, 'true, or a schema'),
  params: names,
  typing: flag,
  maxRetries: retries,
  defaultRetryDelay: duration,
  autoretryFor: either(errorTypes, predicate, `${errorTypes.expected}, or a function of the error`),
  dontAutoretryFor: errorTypes,
  retryKwargs,
  retryBackoff: either(either(flag, factor, factor.expected), fn(), "true, a factor in seconds as a number, or a function such as (retries) => '200ms'"),
  retryBackoffMax: duration,
  retryJitter: flag,
  throws: classes,
  rateLimit,
  timeLimit: duration,
  softTimeLimit: duration,
  acksLate: flag,
  acksOnFailure: flag,
  acksOnTimeout: flag,
  rejectOnWorkerLost: flag,
  retryOnWorkerLost: flag,
  ignoreResult: flag,
  storeErrorsEvenIfIgnored: flag,
  trackStarted: flag,
  trail: flag,
  sendEvents: flag,
  serializer,
  compression,
  backend: text,
  resultreprMaxsize: number,
  shared: flag,
  queue: text,
  exchange: text,
  routingKey: text,
  priority,
  deliveryMode,
  expires: duration,
  shadowName: fn(),
  beforeStart: fn(),
  onSuccess: fn(),
  onRetry: fn(),
  onFailure: fn(),
  afterReturn: fn(),
};

/** A misspelled option of a task, or a value of the wrong kind, would otherwise silently be as if nothing had been said. Names that resemble none are the user's own. */
export function checkTaskOptions(task: string, options: AnyOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const wanted = Object.hasOwn(TASK_OPTIONS, name) ? TASK_OPTIONS[name as keyof AnyOptions] : undefined;
    if (wanted === undefined) {
      const meant = nearest(camelName(snakeName(name)), Object.keys(TASK_OPTIONS));
      if (meant !== undefined) throw new ImproperlyConfigured(`the task ${task}: there is no option "${name}". Did you mean "${meant}"?`);
    } else if (value !== undefined && value !== null && wanted.read(value) === undefined) {
      throw new ImproperlyConfigured(`the task ${task}: ${name}: expected ${wanted.expected}, but got ${shown(value)}.`);
    }
  }
}

const isClass = (value: unknown): boolean => typeof value === 'function' && value.prototype !== undefined;
const isErrorClass = (value: unknown): boolean => typeof value === 'function' && (value === Error || value.prototype instanceof Error);
/** These two of ours have other names there, and would match nothing. */
const isPythonName = (value: unknown): boolean => typeof value === 'string' && value !== 'Error' && value !== 'RangeError';

const APP_OPTIONS = ['broker', 'backend', 'namespace', 'strictTyping', 'taskCls'];

/** The name of an app, and what only the constructor knows: a slip there would pass for a setting of the user's own. */
export function checkAppOptions(main: unknown, settings: Readonly<Record<string, unknown>>): void {
  if (typeof main !== 'string') {
    throw new ImproperlyConfigured(
      `new Celery(name, options): the name comes first, such as new Celery('shop', { broker: 'redis://127.0.0.1:6379/0' }), but got ${main === undefined ? 'nothing' : main === null ? 'null' : `a value of the type ${typeof main}`}.`,
    );
  }
  for (const name of Object.keys(settings)) {
    if (isSetting(name) || spellingOf(name) !== undefined) continue;
    const meant = nearest(camelName(snakeName(name)), APP_OPTIONS);
    if (meant !== undefined) throw new ImproperlyConfigured(`new Celery('${main}', …): there is no option "${name}". Did you mean "${meant}"?`);
  }
}
