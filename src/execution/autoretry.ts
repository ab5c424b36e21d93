import { exponentialBackoffMs } from '../kernel/backoff.ts';
import { durationMs, type Duration } from '../kernel/duration.ts';
import type { AutoretryPolicy } from './policy.ts';

/** The retry options of a task, as written. */
export interface AutoretryOptions {
  readonly autoretryFor?: readonly unknown[] | ((error: Error) => boolean) | undefined;
  readonly dontAutoretryFor?: readonly unknown[] | undefined;
  readonly retryKwargs?: { readonly maxRetries?: number | null | undefined; readonly countdown?: Duration | undefined } | undefined;
  readonly retryBackoff?: boolean | number | ((retries: number, error: Error) => Duration) | undefined;
  readonly retryBackoffMax?: Duration | undefined;
  readonly retryJitter?: boolean | undefined;
}

const DEFAULT_BACKOFF_MAX_MS = 600_000;

/** The policy those options make; null where nothing is retried by itself. `isOne` tells whether an error is of a class, or of a class of that Python name. */
export function createAutoretry(
  options: AutoretryOptions,
  isOne: (error: unknown, classOrName: unknown) => boolean,
  random: () => number = Math.random,
): AutoretryPolicy | null {
  const { autoretryFor, dontAutoretryFor = [], retryBackoff = false, retryKwargs } = options;
  if (autoretryFor === undefined || (typeof autoretryFor !== 'function' && autoretryFor.length === 0)) return null;
  const isWanted =
    typeof autoretryFor === 'function'
      ? (error: unknown) => autoretryFor(error as Error)
      : (error: unknown) => autoretryFor.some((wanted) => isOne(error, wanted));
  const maxMs = durationMs(options.retryBackoffMax) ?? DEFAULT_BACKOFF_MAX_MS;
  const fixedMs = durationMs(retryKwargs?.countdown) ?? null;
  // Celery takes whole seconds, at least one, as the factor.
  const factorMs = 1000 * Math.trunc(Math.max(1, Number(retryBackoff)));
  return {
    maxRetries: retryKwargs?.maxRetries ?? undefined,
    matches: (error) => isWanted(error) && !dontAutoretryFor.some((unwanted) => isOne(error, unwanted)),
    delayMs(retries, error) {
      if (retryBackoff === false) return fixedMs;
      if (typeof retryBackoff === 'function') return durationMs(retryBackoff(retries, error as Error)) ?? fixedMs;
      return exponentialBackoffMs(retries, { factorMs, maxMs, jitter: options.retryJitter ?? true, random });
    },
  };
}
