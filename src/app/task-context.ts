/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { Signature } from '../canvas/signature.ts';
import type { List } from '../canvas/sendable.ts';
import type { RetryOptions } from '../errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { TaskState } from '../protocol/states.ts';
import type { AsyncResult } from '../results/result.ts';
import type { Celery } from './celery.ts';
import type { AnyTask } from './task-types.ts';

/** What a running task knows of its call. Celery's request, field by field. */
export interface TaskRequest {
  readonly id: string;
  readonly task: string;
  readonly args: List;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly retries: number;
  readonly isEager: boolean;
  readonly calledDirectly: boolean;
  readonly eta: Date | null;
  readonly expires: Date | null;
  readonly timeLimit: number | null;
  readonly softTimeLimit: number | null;
  readonly hostname: string | null;
  readonly origin: string | null;
  readonly rootId: string | null;
  readonly parentId: string | null;
  readonly group: string | null;
  readonly groupIndex: number | null;
  readonly chord: Signature<any, unknown> | null;
  readonly chain: readonly Signature<any, unknown>[] | null;
  readonly callbacks: readonly Signature<any, unknown>[] | null;
  readonly errbacks: readonly Signature<any, unknown>[] | null;
  readonly children: readonly AsyncResult<unknown>[];
  readonly deliveryInfo: { readonly exchange: string; readonly routingKey: string; readonly priority: number | null; readonly redelivered: boolean };
  readonly properties: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly stamps: Readonly<Record<string, unknown>>;
  readonly stampedHeaders: readonly string[];
  readonly replyTo: string | null;
  readonly correlationId: string | null;
  readonly shadow: string | null;
  readonly ignoreResult: boolean;
  readonly replacedTaskNesting: number;
}

export interface TaskContext {
  readonly name: string;
  /** The handle of the running task, for `self.task.s(…)`: inside `function f() {}` the name `f` is the plain function. */
  readonly task: AnyTask & { s(...args: any): Signature<any, any> };
  readonly app: Celery;
  readonly request: TaskRequest;
  /** Aborts on the soft time limit, on revoke with terminate, and at shutdown; `signal.reason` tells which. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Throws `Retry`; write `throw self.retry()`, so that the compiler knows too. */
  retry(options?: RetryOptions): never;
  /** Throws: this task's result will be that of `signature`. Write `return self.replace(…)` and the result type follows. */
  replace<R>(signature: Signature<[], R>): R;
  addToChord(signature: Signature<[], unknown>): Promise<void>;
  updateState(update: { readonly state?: TaskState; readonly meta?: unknown; readonly taskId?: string }): Promise<void>;
  progress(done: number, total?: number, note?: string): Promise<void>;
  sendEvent(type: `task-${string}`, fields?: Readonly<Record<string, unknown>>): Promise<void>;
}
