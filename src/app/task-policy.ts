import type { Settings } from '../config/settings/index.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { createAutoretry } from '../execution/autoretry.ts';
import type { TaskPolicy } from '../execution/policy.ts';
import { durationMs, type Duration } from '../kernel/duration.ts';
import type { ErrorNames } from '../protocol/exception.ts';
import { globPattern } from './patterns.ts';
import type { RateLimit, TaskOptions } from './task-options.ts';

/** What `taskAnnotations` says of a task, over its own options. */
export function annotated(name: string, own: TaskOptions, annotations: Settings['taskAnnotations']): TaskOptions {
  if (annotations === null || annotations === undefined) return own;
  if (Array.isArray(annotations)) {
    const found = (annotations as readonly ((task: { readonly name: string }) => TaskOptions | undefined)[]).map((annotate) => annotate({ name }));
    return Object.assign({}, own, ...found) as TaskOptions;
  }
  const table = annotations as Readonly<Record<string, TaskOptions>>;
  const globs = Object.entries(table).filter(([pattern]) => /[*?[]/.test(pattern) && globPattern(pattern).test(name));
  // What is said of everything is weaker than what is said of this one.
  return Object.assign({}, own, ...globs.map(([, options]) => options), Object.hasOwn(table, name) ? table[name] : undefined) as TaskOptions;
}

/** A task's options with the app's settings merged in. */
export function policyOf(options: TaskOptions, settings: Readonly<Settings>, errors: ErrorNames): TaskPolicy {
  const { taskAcksOnFailure, taskAcksOnTimeout, taskAcksOnFailureOrTimeout: either } = settings;
  const throws = options.throws ?? [];
  const expected = new Set(throws.flatMap((type) => [type.name, errors.toData(Object.create(type.prototype as object), { traceback: null }).exc_type]));
  return {
    acksLate: options.acksLate ?? settings.taskAcksLate,
    acksOnFailure: options.acksOnFailure ?? taskAcksOnFailure ?? Boolean(either),
    acksOnTimeout: options.acksOnTimeout ?? taskAcksOnTimeout ?? Boolean(either),
    rejectOnWorkerLost: options.rejectOnWorkerLost ?? Boolean(settings.taskRejectOnWorkerLost),
    retryOnWorkerLost: options.retryOnWorkerLost ?? settings.taskRetryOnWorkerLost,
    ignoreResult: options.ignoreResult ?? settings.taskIgnoreResult,
    storeErrorsEvenIfIgnored: options.storeErrorsEvenIfIgnored ?? settings.taskStoreErrorsEvenIfIgnored,
    trackStarted: options.trackStarted ?? settings.taskTrackStarted,
    sendEvents: options.sendEvents ?? true,
    timeLimitMs: limitMs(options.timeLimit, settings.taskTimeLimit),
    softTimeLimitMs: limitMs(options.softTimeLimit, settings.taskSoftTimeLimit),
    ratePerSecond: ratePerSecond(options.rateLimit === undefined ? settings.taskDefaultRateLimit : options.rateLimit),
    maxRetries: options.maxRetries === undefined ? 3 : options.maxRetries,
    defaultRetryDelayMs: durationMs(options.defaultRetryDelay) ?? 180_000,
    autoretry: createAutoretry(options, (error, classOrName) => errors.matches(error, classOrName as never)),
    resultReprMaxsize: options.resultreprMaxsize ?? 1024,
    throwsExpected: (exceptionType) => expected.has(exceptionType),
  };
}

/** Null clears; undefined is not said. */
function limitMs(own: Duration | null | undefined, fallback: Duration | null): number | null {
  const limit = own === undefined ? fallback : own;
  return limit === null ? null : (durationMs(limit) ?? null);
}

const PER: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Calls per second; null for no limit. */
export function ratePerSecond(limit: RateLimit | undefined): number | null {
  if (limit === null || limit === undefined) return null;
  const [, count, unit] = /^(\d+\.?\d*|\.\d+)(?:\/([smh]))?$/.exec(String(limit)) ?? [];
  if (count === undefined) throw new ImproperlyConfigured(`a rate limit is calls per second, or such as '100/m', not ${JSON.stringify(limit)}`);
  return Number(count) === 0 ? null : Number(count) / PER[unit ?? 's']!;
}

/** Refuses at definition what could only fail later. */
export function checkLimits(name: string, options: TaskOptions): void {
  const hard = durationMs(options.timeLimit);
  const soft = durationMs(options.softTimeLimit);
  if (hard !== undefined && soft !== undefined && soft > hard) {
    throw new ImproperlyConfigured(
      `the task ${name} has a softTimeLimit (${options.softTimeLimit}) above its timeLimit (${options.timeLimit}): it would be ended before it is asked to end`,
    );
  }
}
