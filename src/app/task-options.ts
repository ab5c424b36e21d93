/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { DeliveryMode, ErrorClass } from '../canvas/call-options.ts';
import type { List } from '../canvas/sendable.ts';
import type { Duration } from '../kernel/duration.ts';
import type { TaskState } from '../protocol/states.ts';
import type { CompressionName, SerializerName } from '../serialization/registry.ts';
import type { StandardSchemaV1 } from './schema.ts';
import type { TaskContext } from './task-context.ts';

/** Calls per second, or with a unit: `10`, `'100/m'`, `'5/h'`; 0 or null for no limit. */
export type RateLimit = number | `${number}/${'s' | 'm' | 'h'}` | null;

/** Options of a task: all of Celery's. They can be set for many tasks at once by `taskAnnotations`. */
export interface TaskOptions {
  /** Parameter names, for keyword arguments from Python: `['x', 'y?', '...rest']`; a `?` marks an optional one. */
  readonly params?: readonly string[];
  /** Check the number and names of arguments when called. Default: `strictTyping` of the app. */
  readonly typing?: boolean;
  /** Null for no limit. Default 3. */
  readonly maxRetries?: number | null;
  readonly defaultRetryDelay?: Duration;
  readonly autoretryFor?: readonly (ErrorClass | string)[] | ((error: Error) => boolean);
  readonly dontAutoretryFor?: readonly (ErrorClass | string)[];
  readonly retryKwargs?: { readonly maxRetries?: number | null; readonly countdown?: Duration };
  /** True, a factor in seconds, or your own schedule. */
  readonly retryBackoff?: boolean | number | ((retries: number, error: Error) => Duration);
  readonly retryBackoffMax?: Duration;
  readonly retryJitter?: boolean;
  /** Expected errors: logged without a stack. */
  readonly throws?: readonly ErrorClass[];
  readonly rateLimit?: RateLimit;
  readonly timeLimit?: Duration | null;
  readonly softTimeLimit?: Duration | null;
  readonly acksLate?: boolean;
  readonly acksOnFailure?: boolean;
  readonly acksOnTimeout?: boolean;
  readonly rejectOnWorkerLost?: boolean;
  /** Sends the task again, as `retry()` would, when its child was lost; wins over `rejectOnWorkerLost`. */
  readonly retryOnWorkerLost?: boolean;
  readonly ignoreResult?: boolean;
  readonly storeErrorsEvenIfIgnored?: boolean;
  readonly trackStarted?: boolean;
  readonly trail?: boolean;
  readonly sendEvents?: boolean;
  readonly serializer?: SerializerName;
  readonly compression?: CompressionName;
  readonly backend?: string;
  readonly resultreprMaxsize?: number;
  readonly shared?: boolean;
  readonly queue?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly priority?: number;
  readonly deliveryMode?: DeliveryMode;
  readonly expires?: Duration;
  readonly shadowName?: (args: List, kwargs: Readonly<Record<string, unknown>>) => string | undefined;
  readonly beforeStart?: (context: TaskContext) => void | Promise<void>;
  readonly onSuccess?: (result: unknown, context: TaskContext) => void | Promise<void>;
  readonly onRetry?: (error: Error, context: TaskContext) => void | Promise<void>;
  readonly onFailure?: (error: Error, context: TaskContext) => void | Promise<void>;
  readonly afterReturn?: (state: TaskState, value: unknown, context: TaskContext) => void | Promise<void>;
}

/** Options of a task that lives elsewhere. */
export interface DeclareOptions extends TaskOptions {
  readonly kwargs?: true | StandardSchemaV1<any, any>;
}

/** Options given to many tasks at once, by name or glob, or by functions. */
export type TaskAnnotations = Readonly<Record<string, TaskOptions>> | readonly ((task: { readonly name: string }) => TaskOptions | undefined)[];
