import type { Clock } from './clock.ts';

/** Kombu's retry policy: wait `intervalStartMs` before the first repeat, `intervalStepMs` more before each further one, at most `intervalMaxMs`. */
export interface RetryPolicyMs {
  /** How often to try again after the first time; null for ever. */
  readonly maxRetries: number | null;
  readonly intervalStartMs: number;
  readonly intervalStepMs: number;
  readonly intervalMaxMs: number;
}

export interface RetryContext {
  readonly clock: Clock;
  readonly isRetryable: (error: unknown) => boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: (error: unknown, attempt: number, waitMs: number) => void;
}

/** The wait before repeat number `attempt` (from 0). */
export function retryWaitMs(policy: RetryPolicyMs, attempt: number): number {
  return Math.min(policy.intervalMaxMs, policy.intervalStartMs + attempt * policy.intervalStepMs);
}

/** Calls `action` until it succeeds, the policy is used up, or the error is of another kind; then throws the last error. An abort ends the waiting with the signal's reason. */
export async function retry<T>(action: () => Promise<T>, policy: RetryPolicyMs, context: RetryContext): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (!context.isRetryable(error) || (policy.maxRetries !== null && attempt >= policy.maxRetries)) throw error;
      const waitMs = retryWaitMs(policy, attempt);
      context.onRetry?.(error, attempt, waitMs);
      await context.clock.sleep(waitMs, context.signal);
    }
  }
}
