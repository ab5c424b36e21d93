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
  readonly resultReprMaxsize: number;
  /** Names (and Python names) of errors that are expected: logged without a stack. */
  throwsExpected(exceptionType: string): boolean;
}
