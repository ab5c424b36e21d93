import type { Outcome, TaskErrorData } from '../execution/outcome.ts';
import { thrownBy } from '../execution/run-task.ts';
import { decodeJson } from '../protocol/json-text.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { TaskState } from '../protocol/states.ts';
import type { TaskBody } from '../protocol/task-message.ts';
import type { Core } from './app-core.ts';
import { BaseTask } from './base-task.ts';
import type { TaskContext } from './task-context.ts';
import type { TaskEntry } from './task-entry.ts';
import type { TaskSelf } from './task-self.ts';

type HookName = 'beforeStart' | 'onSuccess' | 'onRetry' | 'onFailure' | 'afterReturn';

/** A task's hooks, of its class and of its options, and the signals that go with them. */
export class Hooks {
  readonly #entry: TaskEntry;
  readonly #self: BaseTask;
  readonly #source: TaskSelf;
  readonly #core: Core;
  readonly runsBefore: boolean;
  readonly runsAfter: boolean;

  constructor(entry: TaskEntry, self: BaseTask, source: TaskSelf, core: Core) {
    this.#entry = entry;
    this.#self = self;
    this.#source = source;
    this.#core = core;
    const has = (name: HookName): boolean => entry.definition.options[name] !== undefined || self[name] !== BaseTask.prototype[name];
    this.runsBefore = has('beforeStart');
    this.runsAfter = has('onSuccess') || has('onRetry') || has('onFailure') || has('afterReturn');
  }

  async beforeStart(): Promise<void> {
    await this.#self.beforeStart();
    await this.#entry.options.beforeStart?.(this.#self as TaskContext);
  }

  /** What user code wants to hear of an outcome that is stored: Celery's handlers, then its signals. */
  async after(body: TaskBody, outcome: Outcome): Promise<void> {
    const { signals } = this.#core;
    const told = this.#told(outcome);
    switch (outcome.state) {
      case 'SUCCESS':
        await this.#call('onSuccess', told);
        if (signals.has('taskSuccess')) await signals.emit('taskSuccess', { ...this.#source.event(), result: told }, this.#entry.name);
        break;
      case 'RETRY':
        await this.#call('onRetry', told);
        if (signals.has('taskRetry')) await signals.emit('taskRetry', { ...this.#source.event(), reason: told as Error }, this.#entry.name);
        break;
      case 'FAILURE':
        await this.#call('onFailure', told);
        if (signals.has('taskFailure')) {
          const event = { ...this.#source.event(), exception: told as Error, traceback: outcome.error.traceback ?? '' };
          await signals.emit('taskFailure', event, this.#entry.name);
        }
        break;
      case 'REJECTED':
        if (!outcome.requeue) await this.#call('onFailure', told);
        break;
      default:
        break;
    }
    if (outcome.state === 'SUCCESS' || outcome.state === 'FAILURE' || outcome.state === 'REVOKED') await this.#afterReturn(outcome.state, told);
    if (!signals.has('taskPostrun')) return;
    const { args, kwargs } = body;
    await signals.emit('taskPostrun', { ...this.#source.event(), args, kwargs, state: outcome.state, result: told }, this.#entry.name);
  }

  /** A callback for failures of this process, with the error itself. Its own error is logged: the failure is stored already. */
  async errback(errback: SignatureData, outcome: Extract<Outcome, { state: 'FAILURE' }>): Promise<void> {
    const fn = this.#core.registry.errback(errback.task) as ((...args: readonly unknown[]) => unknown) | undefined;
    if (fn === undefined) return;
    try {
      const given = errback.immutable ? [] : [this.#source.request, this.#told(outcome), outcome.error.traceback ?? ''];
      await fn(...given, ...errback.args);
    } catch (error) {
      this.#core.log.error(`the errback ${errback.task} failed`, { error });
    }
  }

  /** The value or the error of an outcome. */
  #told(outcome: Outcome): unknown {
    if (outcome.state === 'SUCCESS') return decodeJson(outcome.valueJson);
    if (!('error' in outcome)) return undefined;
    return thrownBy(outcome) ?? errorFrom(outcome.error, this.#core);
  }

  async #call(name: 'onSuccess' | 'onRetry' | 'onFailure', value: unknown): Promise<void> {
    await this.#self[name](value as never);
    await this.#entry.options[name]?.(value as never, this.#self as TaskContext);
  }

  async #afterReturn(state: TaskState, value: unknown): Promise<void> {
    await this.#self.afterReturn(state, value);
    await this.#entry.options.afterReturn?.(state, value, this.#self as TaskContext);
  }
}

/** An error that crossed from a child as data. */
export function errorFrom(data: TaskErrorData, core: Pick<Core, 'errorNames'>): Error {
  return core.errorNames.fromData({ exc_type: data.exc_type, exc_message: data.exc_message, exc_module: data.exc_module }, data.traceback);
}
