import type { Caller } from '../canvas/caller.ts';
import type { OutgoingMessage } from '../messaging/outgoing.ts';
import type { Json, JsonObject } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { ReceivedTask } from '../protocol/task-message.ts';
import { withRun } from './context.ts';
import type { Run } from './env.ts';
import type { Dispatch, TaskHost } from './host.ts';

/** One run of a task. Signal and host are made when first asked for: most tasks never do, and a signal costs 4 µs. */
export class TaskRun implements Run {
  readonly received: ReceivedTask;
  readonly children: Json[] = [];
  readonly isEager: boolean;
  /** What `self.retry({ maxRetries })` said last; an autoretry in the same run keeps to it. */
  maxRetries?: number;
  caller?: Caller;
  kept?: object;
  readonly #base: TaskHost;
  #host: OwnCalls | undefined;
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #isGivenUp = false;

  constructor(received: ReceivedTask, host: TaskHost, options?: { readonly isEager?: boolean }) {
    this.received = received;
    this.#base = host;
    this.isEager = options?.isEager ?? false;
  }

  get host(): TaskHost {
    if (this.#host === undefined) {
      this.#host = new OwnCalls(this.#base, this.received);
      if (this.#isGivenUp) this.#host.close();
    }
    return this.#host;
  }

  /** It is given up: what its code still says of its state would come over its end, and is ignored. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#host?.close();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Aborts `signal`, whether somebody has asked for it yet or not. Only the first reason counts. */
  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    // Listeners belong to the run: `self.signal.reason` must be this run's in them, though it is a timer or a message that aborts.
    const controller = this.#controller;
    if (controller !== undefined) withRun(this, () => controller.abort(reason));
  }

  get abortReason(): Error | undefined {
    return this.#reason;
  }

  /** Undefined when no call is under way; else resolves when all of them have been answered. */
  idle(): Promise<void> | undefined {
    return this.#host?.isIdle === false ? this.#host.idle() : undefined;
  }
}

/** The calls of one run, counted, so that waiting for them does not mean waiting for those of its neighbours. */
class OwnCalls implements TaskHost {
  readonly #base: TaskHost;
  readonly #received: ReceivedTask;
  readonly #pending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(base: TaskHost, received: ReceivedTask) {
    this.#base = base;
    this.#received = received;
  }

  /** From now on the state of its task is nothing that the run may change. */
  close(): void {
    this.#isClosed = true;
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  dispatch(dispatch: Dispatch & { readonly messages: readonly OutgoingMessage[] }): Promise<void> {
    return this.#counted(this.#base.dispatch(dispatch));
  }

  saveState(meta: ResultMeta): Promise<void> {
    const { headers, wire } = this.#received;
    if (this.#isClosed && meta.task_id === headers.id) return Promise.resolve();
    return this.#counted(this.#base.saveState(meta, wire.properties.replyTo));
  }

  growChord(groupId: string, by: number): Promise<void> {
    return this.#counted(this.#base.growChord(groupId, by));
  }

  emit(type: string, fields: JsonObject): void {
    this.#base.emit(type, fields);
  }

  async idle(): Promise<void> {
    // An answer may set off the next call.
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  #counted(call: Promise<void>): Promise<void> {
    this.#pending.add(call);
    const done = (): void => void this.#pending.delete(call);
    call.then(done, done);
    return call;
  }
}
