/** A task's options as running and finishing it need them: annotations and app-wide settings merged in, nothing optional, durations in ms. */
export interface TaskPolicy {
  readonly acksLate: boolean;
  readonly acksOnFailure: boolean;
  readonly acksOnTimeout: boolean;
  readonly rejectOnWorkerLost: boolean;
  readonly retryOnWorkerLost: boolean;
  readonly ignoreResult: boolean;
  readonly storeErrorsEvenIfIgnored: boolean;
  readonly trackStarted: boolean;
  readonly sendEvents: boolean;
  readonly timeLimitMs: number | null;
  readonly softTimeLimitMs: number | null;
  /** Calls per second; null for no limit. */
  readonly ratePerSecond: number | null;
  readonly maxRetries: number | null;
  readonly defaultRetryDelayMs: number;
  /** Null where `autoretryFor` names nothing. `createAutoretry` (execution/autoretry.ts) makes it of a task's options. */
  readonly autoretry: AutoretryPolicy | null;
  readonly resultReprMaxsize: number;
  /** Names (and Python names) of errors that are expected: logged without a stack. */
  throwsExpected(exceptionType: string): boolean;
}

/** Which errors of the handler are retried without a `self.retry()`, and when. Retry, Ignore and Reject never come here. */
export interface AutoretryPolicy {
  /** In `autoretryFor` and not in `dontAutoretryFor`. */
  matches(error: unknown): boolean;
  /** The wait before the next attempt, `retries` attempts having been repeats already; jitter included. Null: `defaultRetryDelayMs`. */
  delayMs(retries: number, error: unknown): number | null;
  /** `retryKwargs.maxRetries`; undefined where it says nothing: then the task's `maxRetries` counts. */
  readonly maxRetries: number | null | undefined;
}
