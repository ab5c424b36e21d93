import type { Duration } from './kernel/duration.ts';

/*
 * Every error that celeriac throws. One root, each kind with a stable `code`.
 *
 *   CeleryError
 *   ├─ ImproperlyConfigured      IMPROPERLY_CONFIGURED   a setting, URL, definition or -A is wrong
 *   ├─ OperationalError          OPERATIONAL             broker or result store cannot be reached, or went away: may be retried
 *   ├─ ResponseError             RESPONSE                the broker or result store has refused a request: trying again cannot help
 *   ├─ BackendStoreError         BACKEND_STORE           the result store has refused one task's result for good
 *   ├─ BackendGetMetaError       BACKEND_GET_META        a result could not be read within resultBackendMaxRetries
 *   ├─ PreconditionFailed        PRECONDITION_FAILED     a queue or exchange exists with other properties
 *   ├─ EncodeError               ENCODE                  a value cannot travel; names the path in it
 *   ├─ DecodeError               DECODE                  a message or result cannot be read
 *   │  └─ ContentDisallowed      CONTENT_DISALLOWED      its content type is not accepted here
 *   ├─ InvalidTaskError          INVALID_TASK            readable, but not a task message
 *   ├─ NotRegistered             NOT_REGISTERED          no task of that name here
 *   ├─ AlreadyRegistered         ALREADY_REGISTERED      a task name taken twice
 *   ├─ QueueNotFound             QUEUE_NOT_FOUND         not declared, and missing queues are not to be created
 *   ├─ TimeoutError              TIMEOUT                 waited long enough
 *   ├─ IncompleteStream          INCOMPLETE_STREAM       a result below another has not ended, and nobody waits for it here
 *   ├─ ChordError                CHORD                   a part of a chord failed, or chords are not possible here
 *   ├─ MaxRetriesExceededError   MAX_RETRIES_EXCEEDED
 *   ├─ TaskRevokedError          TASK_REVOKED            revoked, expired or terminated before it could finish
 *   ├─ SoftTimeLimitExceeded     SOFT_TIME_LIMIT         the reason of `self.signal`
 *   ├─ TimeLimitExceeded         TIME_LIMIT
 *   ├─ WorkerLostError           WORKER_LOST             the process or thread that ran the task ended
 *   ├─ ValidationError           VALIDATION              arguments or result do not fit their schema
 *   └─ TaskFailure               TASK_FAILURE            raised by a task, here or in Python
 *
 * Retry, Ignore and Reject are control flow, thrown by handlers; they are not under that root.
 */
export class CeleryError extends Error {
  readonly code: string;

  constructor(message: string, options?: ErrorOptions & { readonly code?: string }) {
    super(message, options);
    this.name = new.target.name;
    this.code = options?.code ?? 'CELERY';
  }
}

/** A setting, URL, definition or command line is wrong. The message says what was expected and what came. */
export class ImproperlyConfigured extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'IMPROPERLY_CONFIGURED' });
  }
}

/** The broker or result store cannot be reached, or went away. Trying again may help. */
export class OperationalError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'OPERATIONAL' });
  }
}

/** The broker or result store has answered, and refuses: a key of another type, no permission. Trying again cannot help. */
export class ResponseError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'RESPONSE' });
  }
}

/** The result store refuses this task's result for good. The task ends as a FAILURE, as in Celery. */
export class BackendStoreError extends CeleryError {
  readonly taskId: string | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly taskId?: string }) {
    super(message, { ...options, code: 'BACKEND_STORE' });
    this.taskId = options?.taskId;
  }
}

/** A result could not be read, however often it was tried (`resultBackendMaxRetries`). */
export class BackendGetMetaError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'BACKEND_GET_META' });
  }
}

/** A queue or exchange exists with other properties than those asked for. */
export class PreconditionFailed extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'PRECONDITION_FAILED' });
  }
}

/** A value cannot travel. The message names the path to the offending part. */
export class EncodeError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'ENCODE' });
  }
}

/** A message or result cannot be read. */
export class DecodeError extends CeleryError {
  constructor(message: string, options?: ErrorOptions & { readonly code?: string }) {
    super(message, { code: 'DECODE', ...options });
  }
}

/** Its content type is not among those accepted here (`acceptContent`, `resultAcceptContent`). */
export class ContentDisallowed extends DecodeError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'CONTENT_DISALLOWED' });
  }
}

/** A message that can be read but is not a task message. */
export class InvalidTaskError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'INVALID_TASK' });
  }
}

/** No task of that name is registered here. */
export class NotRegistered extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'NOT_REGISTERED' });
  }
}

/** A task name was taken twice. */
export class AlreadyRegistered extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'ALREADY_REGISTERED' });
  }
}

/** A queue that is not in `taskQueues`, while `taskCreateMissingQueues` is off. */
export class QueueNotFound extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'QUEUE_NOT_FOUND' });
  }
}

/** Waiting took longer than allowed. */
export class TimeoutError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'TIMEOUT' });
  }
}

/** A result below the one that was asked has not ended yet: `iterdeps` waits for none. */
export class IncompleteStream extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'INCOMPLETE_STREAM' });
  }
}

/** A part of a chord failed; the message names it. */
export class ChordError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'CHORD' });
  }
}

/** `retry()` once too often. */
export class MaxRetriesExceededError extends CeleryError {
  readonly taskArgs: readonly unknown[];
  readonly taskKwargs: Readonly<Record<string, unknown>>;

  constructor(message: string, options?: ErrorOptions & { readonly taskArgs?: readonly unknown[]; readonly taskKwargs?: Readonly<Record<string, unknown>> }) {
    super(message, { ...options, code: 'MAX_RETRIES_EXCEEDED' });
    this.taskArgs = options?.taskArgs ?? [];
    this.taskKwargs = options?.taskKwargs ?? {};
  }
}

/** The task was revoked, expired or terminated. */
export class TaskRevokedError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'TASK_REVOKED' });
  }
}

/** The reason of `self.signal` when the soft time limit is over. */
export class SoftTimeLimitExceeded extends CeleryError {
  constructor(message = 'the soft time limit is over', options?: ErrorOptions) {
    super(message, { ...options, code: 'SOFT_TIME_LIMIT' });
  }
}

/** The hard time limit is over: the run was ended, or given up. */
export class TimeLimitExceeded extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'TIME_LIMIT' });
  }
}

/** The process or thread that ran the task ended. */
export class WorkerLostError extends CeleryError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'WORKER_LOST' });
  }
}

/** One complaint of a schema (Standard Schema v1). */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Arguments or result do not fit their schema; never retried. */
export class ValidationError extends CeleryError {
  readonly issues: readonly SchemaIssue[];

  constructor(message: string, issues: readonly SchemaIssue[], options?: ErrorOptions) {
    super(message, { ...options, code: 'VALIDATION' });
    this.issues = issues;
  }
}

/** An error raised by a task, here or in Python. */
export class TaskFailure extends CeleryError {
  /** Its class's name there. */
  readonly type: string;
  readonly module: string;
  readonly args: readonly unknown[];
  readonly traceback: string | null;

  constructor(
    message: string,
    details: { readonly type: string; readonly module: string; readonly args: readonly unknown[]; readonly traceback: string | null },
    options?: ErrorOptions,
  ) {
    super(message, { ...options, code: 'TASK_FAILURE' });
    this.type = details.type;
    this.module = details.module;
    this.args = details.args;
    this.traceback = details.traceback;
  }
}

/** A moment: `Date`, an ISO string, `Temporal.Instant`, `Temporal.ZonedDateTime`. */
export type Instant = Date | IsoString | { readonly epochMilliseconds: number };
/** ISO-8601, far enough to tell it from a duration. */
export type IsoString = `${number}-${number}-${number}T${string}`;

/** What `self.retry()` and `new Retry()` take. */
export interface RetryOptions {
  readonly exc?: unknown;
  /** Null here means not given: Python callers hand `None` through. */
  readonly countdown?: Duration | null | undefined;
  readonly eta?: Instant | null | undefined;
  readonly expires?: Duration | Instant | null | undefined;
  readonly maxRetries?: number | null | undefined;
  readonly args?: readonly unknown[] | undefined;
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
  readonly queue?: string | undefined;
  readonly priority?: number | undefined;
}

/** Thrown by a handler: run this task again. */
export class Retry extends Error {
  readonly options: RetryOptions;

  constructor(options: RetryOptions = {}) {
    super('the task asks to be retried', options.exc === undefined ? undefined : { cause: options.exc });
    this.name = 'Retry';
    this.options = options;
  }
}

/** Thrown by a handler: no state is stored, nothing follows, the message is acknowledged. */
export class Ignore extends Error {
  constructor(message = 'the task asks to be ignored') {
    super(message);
    this.name = 'Ignore';
  }
}

/** Thrown by a handler: the message is rejected, and taken again with `requeue`. */
export class Reject extends Error {
  readonly requeue: boolean;

  constructor(reason = 'the task rejects its message', options: { readonly requeue?: boolean } = {}) {
    super(reason);
    this.name = 'Reject';
    this.requeue = options.requeue ?? false;
  }
}
