import type { Signature } from '../canvas/signature.ts';
import type { List } from '../canvas/sendable.ts';
import { ImproperlyConfigured, type RetryOptions } from '../errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { TaskState } from '../protocol/states.ts';
import type { Celery } from './celery.ts';
import type { TaskContext, TaskRequest } from './task-context.ts';
import type { TaskOptions } from './task-options.ts';

/** What an instance of a task's class asks when somebody asks it: the app's side of `self`. */
export interface ContextSource extends Omit<TaskContext, 'name'> {
  readonly taskName: string;
}

/** Whose `self` an instance is. Kept outside, so that a class of the user's has no member of ours to stumble over. */
const sources = new WeakMap<BaseTask, ContextSource>();

/** Makes an instance the `self` of a task. */
export function attach(instance: BaseTask, source: ContextSource): void {
  sources.set(instance, source);
}

function sourceOf(instance: BaseTask): ContextSource {
  const source = sources.get(instance);
  if (source === undefined)
    throw new ImproperlyConfigured(`this ${instance.constructor.name} belongs to no app: register its class, app.register(${instance.constructor.name})`);
  return source;
}

/** Base of class tasks. One instance per process; `request` and `signal` are those of the run that asks. */
export abstract class BaseTask implements TaskContext {
  /** What it is called on the wire. */
  declare readonly name: string;
  declare readonly options: TaskOptions;

  get app(): Celery {
    return sourceOf(this).app;
  }
  get request(): TaskRequest {
    return sourceOf(this).request;
  }
  get signal(): AbortSignal {
    return sourceOf(this).signal;
  }
  get log(): Logger {
    return sourceOf(this).log;
  }
  get task(): TaskContext['task'] {
    return sourceOf(this).task;
  }

  abstract run(...args: never[]): unknown;

  /** Before the run, inside it: what it throws fails the task. */
  beforeStart(): void | Promise<void> {}
  onSuccess(_result: unknown): void | Promise<void> {}
  onRetry(_error: Error): void | Promise<void> {}
  onFailure(_error: Error): void | Promise<void> {}
  afterReturn(_state: TaskState, _value: unknown): void | Promise<void> {}
  /** Before this task is replaced; may return another signature to use (they are immutable). */
  onReplace(_signature: Signature<[], unknown>): Signature<[], unknown> | void {}
  shadowName(_args: List, _kwargs: Readonly<Record<string, unknown>>): string | undefined {
    return undefined;
  }

  retry(options?: RetryOptions): never {
    return sourceOf(this).retry(options);
  }
  replace<R>(signature: Signature<[], R>): R {
    return sourceOf(this).replace(this.onReplace(signature) ?? signature) as R;
  }
  addToChord(signature: Signature<[], unknown>): Promise<void> {
    return sourceOf(this).addToChord(signature);
  }
  updateState(update: { readonly state?: TaskState; readonly meta?: unknown; readonly taskId?: string }): Promise<void> {
    return sourceOf(this).updateState(update);
  }
  progress(done: number, total?: number, note?: string): Promise<void> {
    return sourceOf(this).progress(done, total, note);
  }
  sendEvent(type: `task-${string}`, fields?: Readonly<Record<string, unknown>>): Promise<void> {
    return sourceOf(this).sendEvent(type, fields);
  }
}

/** `self` of a task that is a function. */
export class FunctionTask extends BaseTask {
  run(): never {
    throw new ImproperlyConfigured('self.run belongs to class tasks; call the task itself: self.task');
  }
}
