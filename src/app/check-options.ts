import { camelName, isSetting, snakeName, spellingOf } from '../config/names.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { durationMs } from '../kernel/duration.ts';
import { nearest } from '../kernel/nearest.ts';
import type { AnyOptions } from './definition.ts';

type Shape = 'any' | 'duration' | 'priority';

/** Every option of a task. TypeScript checks names and values; this is for those who write JavaScript, and for options that come from elsewhere. */
const TASK_OPTIONS: Readonly<Record<keyof AnyOptions, Shape>> = {
  name: 'any',
  bind: 'any',
  base: 'any',
  args: 'any',
  result: 'any',
  kwargs: 'any',
  params: 'any',
  typing: 'any',
  maxRetries: 'any',
  defaultRetryDelay: 'duration',
  autoretryFor: 'any',
  dontAutoretryFor: 'any',
  retryKwargs: 'any',
  retryBackoff: 'any',
  retryBackoffMax: 'duration',
  retryJitter: 'any',
  throws: 'any',
  rateLimit: 'any',
  timeLimit: 'duration',
  softTimeLimit: 'duration',
  acksLate: 'any',
  acksOnFailure: 'any',
  acksOnTimeout: 'any',
  rejectOnWorkerLost: 'any',
  retryOnWorkerLost: 'any',
  ignoreResult: 'any',
  storeErrorsEvenIfIgnored: 'any',
  trackStarted: 'any',
  trail: 'any',
  sendEvents: 'any',
  serializer: 'any',
  compression: 'any',
  backend: 'any',
  resultreprMaxsize: 'any',
  shared: 'any',
  queue: 'any',
  exchange: 'any',
  routingKey: 'any',
  priority: 'priority',
  deliveryMode: 'any',
  expires: 'duration',
  shadowName: 'any',
  beforeStart: 'any',
  onSuccess: 'any',
  onRetry: 'any',
  onFailure: 'any',
  afterReturn: 'any',
};

/** A misspelled option of a task, or a duration that is none, would otherwise silently be as if nothing had been said. Names that resemble none are the user's own. */
export function checkTaskOptions(task: string, options: AnyOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const shape = Object.hasOwn(TASK_OPTIONS, name) ? TASK_OPTIONS[name as keyof AnyOptions] : undefined;
    if (shape === undefined) {
      const meant = nearest(camelName(snakeName(name)), Object.keys(TASK_OPTIONS));
      if (meant !== undefined) throw new ImproperlyConfigured(`the task ${task}: there is no option "${name}". Did you mean "${meant}"?`);
    } else if (value !== undefined && value !== null) checkShape(task, name, value, shape);
  }
}

function checkShape(task: string, name: string, value: unknown, shape: Shape): void {
  const complain = (expected: string): never => {
    throw new ImproperlyConfigured(`the task ${task}: ${name}: expected ${expected}, but got ${JSON.stringify(value) ?? String(value)}.`);
  };
  if (shape === 'duration' && (durationMs(value) ?? -1) < 0) complain("seconds as a number, or a string such as '10s', '5m' or '1d'");
  if (shape === 'priority' && !(Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255))
    complain("a whole number from 0 to 9 (on RabbitMQ to the queue's maximum, at most 255)");
}

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
