import type { Caller, Sending } from '../canvas/caller.ts';
import { compile } from '../canvas/compile.ts';
import { nothingToSend } from '../canvas/nothing.ts';
import { tupleOf } from '../canvas/result-node.ts';
import type { CompileContext, Plan, PlannedMessage, ResultNode } from '../canvas/plan.ts';
import { prepend } from '../canvas/signature-data.ts';
import { OperationalError } from '../errors.ts';
import { currentRun } from '../execution/context.ts';
import type { Run } from '../execution/env.ts';
import type { TaskHost } from '../execution/host.ts';
import { newId } from '../kernel/ids.ts';
import type { Encoded, Json } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { ReceivedTask } from '../protocol/task-message.ts';
import { TaskResult } from '../results/async-result.ts';
import type { AsyncResult, EagerResult } from '../results/result.ts';
import { handleOf, nodeOf } from '../results/tree.ts';
import type { Core } from './app-core.ts';
import { alsoRetrying } from './retry-errors.ts';
import type { Publisher, Sent } from './publish.ts';

/** `replyTo` is there in what follows from a task: its results go to whoever called that. */
type Parent = NonNullable<CompileContext['parent']> & { readonly replyTo?: string | undefined };

/** The one way in which calls are carried out: compile, route and encode, dispatch through a host. */
export class Starter implements Caller {
  readonly #core: Core;
  readonly #publisher: Publisher;
  readonly #context: CompileContext;
  readonly #fromTuple = (tuple: Json): AsyncResult<unknown> => handleOf(nodeOf(tuple), this.#core.results);

  constructor(core: Core, publisher: Publisher) {
    this.#core = core;
    this.#publisher = publisher;
    this.#context = {
      newId,
      get now() {
        return core.clock.now();
      },
      origin: core.origin,
      chords: 'none',
      get replyTo() {
        return core.replyTo;
      },
      defaults: (task) => core.registry.get(task)?.defaults ?? core.declared.get(task),
    };
  }

  get linksErrorsOnHeader(): boolean {
    return this.#core.settings.taskAllowErrorCbOnChordHeader;
  }

  start(signature: SignatureData, sending: Sending): Promise<AsyncResult<unknown>> {
    const { loading } = this.#core;
    if (loading !== undefined) return loading.then(() => this.start(signature, sending));
    try {
      const nothing = nothingToSend(signature);
      if (nothing !== undefined) return Promise.resolve(nothing);
      const isEager = this.#core.settings.taskAlwaysEager && sending.isByName !== true;
      if (sending.isByName === true && this.#core.settings.taskAlwaysEager) {
        this.#core.log.warn(`taskAlwaysEager does not count for sendTask: ${signature.task} is sent`);
      }
      if (isEager && (signature.subtask_type !== null || this.#core.registry.get(signature.task) !== undefined)) return this.#core.eager.apply(signature, {});
      const run = currentRun();
      const parent = run === undefined ? undefined : this.#parentOf(run.received);
      if (isCall(signature)) return this.#send(signature, sending, run, this.#within(parent));
      return this.#withChords(parent).then((context) => this.#send(signature, sending, run, context));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(signature: SignatureData, sending: Sending, run: Run | undefined, context: CompileContext): Promise<AsyncResult<unknown>> {
    const plan = compile(signature, context);
    this.#checkBackend(plan.publish);
    const result = this.#handle(plan);
    this.#trail(signature, plan, run);
    const { signal, timeoutMs, retryErrors } = sending;
    const host = run?.host ?? this.#core.host;
    const sent = this.dispatch(plan, retryErrors === undefined ? host : alsoRetrying(host, this.#core.ownErrors(retryErrors)));
    if (signal === undefined && timeoutMs === undefined) return sent.then(() => result);
    return this.#orGivenUp(sent, signal, timeoutMs).then(() => result);
  }

  /** Several calls at once: their messages leave together. Where all are plain calls they are one plan, with one answer to wait for. */
  async startAll(signatures: readonly SignatureData[]): Promise<AsyncResult<unknown>[]> {
    const { loading, settings, host } = this.#core;
    if (signatures.length === 0) return [];
    if (loading !== undefined || settings.taskAlwaysEager || !signatures.every(isCall)) {
      return Promise.all(signatures.map((signature) => this.start(signature, {})));
    }
    const run = currentRun();
    const context = this.#within(run === undefined ? undefined : this.#parentOf(run.received));
    const publish: PlannedMessage[] = [];
    const results = signatures.map((signature) => {
      const plan = compile(signature, context);
      publish.push(...plan.publish);
      this.#trail(signature, plan, run);
      return this.#handle(plan);
    });
    this.#checkBackend(publish);
    await this.dispatch({ chords: [], groups: [], publish }, run?.host ?? host);
    return results;
  }

  /** Whoever ignores results needs no store that we know. */
  #checkBackend(publish: readonly PlannedMessage[]): void {
    const { taskIgnoreResult } = this.#core.settings;
    if (publish.some(({ message }) => !(message.headers.ignore_result ?? taskIgnoreResult))) this.#core.checkBackend();
  }

  /** What a task calls are its children, unless call or task say otherwise. */
  #trail(signature: SignatureData, plan: Plan, run: Run | undefined): void {
    if (run === undefined || signature.options['add_to_parent'] === false) return;
    if (this.#core.registry.get(run.received.headers.task)?.options.trail !== false) run.children.push(tupleOf(plan.child ?? plan.result));
  }

  /** A call that follows from a task: a callback, a link, a chord's body, a retry. */
  async follow(signature: SignatureData, because: ReceivedTask, result?: Encoded): Promise<Json> {
    const called = result === undefined || signature.immutable ? signature : prepend(signature, [result.value()]);
    const { replyTo } = because.wire.properties;
    const parent = { ...this.#parentOf(because), replyTo: this.#core.isAnswered ? replyTo : undefined };
    const plan = compile(called, isCall(called) ? this.#within(parent) : await this.#withChords(parent));
    await this.dispatch(plan, this.#core.host, { isFollowUp: true });
    return tupleOf(plan.child ?? plan.result);
  }

  dispatch(plan: Sent, host: TaskHost, options?: { readonly isFollowUp?: boolean }): Promise<void> {
    return this.#publisher.dispatch(plan, host, options);
  }

  apply(signature: SignatureData): Promise<EagerResult<unknown>> {
    return this.#core.eager.apply(signature, {});
  }

  handle(node: ResultNode): AsyncResult<unknown> {
    return handleOf(node, this.#core.results);
  }

  #handle(plan: Plan): AsyncResult<unknown> {
    const { result, publish } = plan;
    if (result.children !== null || result.parent !== null) return handleOf(result, this.#core.results);
    const ignored = publish.length === 1 && publish[0]!.message.headers.ignore_result === true;
    return new TaskResult(result.id, this.#core.results, this.#fromTuple, { ignored });
  }

  #parentOf({ headers, deliveryInfo }: ReceivedTask): Parent {
    const priority = this.#core.settings.taskInheritParentPriority ? deliveryInfo.priority : null;
    return { id: headers.id, rootId: headers.root_id ?? headers.id, priority };
  }

  #within(parent: Parent | undefined): CompileContext {
    if (parent === undefined) return this.#context;
    const { origin, defaults, now } = this.#context;
    return { newId, now, origin, chords: 'none', parent, replyTo: this.#replyTo(parent), ...(defaults === undefined ? {} : { defaults }) };
  }

  #replyTo(parent: Parent | undefined): string | undefined {
    return parent !== undefined && 'replyTo' in parent ? parent.replyTo : this.#core.replyTo;
  }

  /** What a workflow must know beside: whether chords can be counted. */
  async #withChords(parent: Parent | undefined): Promise<CompileContext> {
    const { origin, defaults, now } = this.#context;
    const { chords } = (await this.#core.backend()).capabilities;
    return {
      newId,
      now,
      origin,
      chords,
      linksErrorsOnHeader: this.linksErrorsOnHeader,
      replyTo: this.#replyTo(parent),
      ...(defaults === undefined ? {} : { defaults }),
      ...(parent === undefined ? {} : { parent }),
    };
  }

  /** The caller no longer waits; the message may still arrive. */
  #orGivenUp(sent: Promise<void>, signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal?.reason ?? new OperationalError('the call was given up before the broker had it'));
      if (signal?.aborted === true) return giveUp();
      signal?.addEventListener('abort', giveUp, { once: true });
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.#core.clock.schedule(timeoutMs, () => reject(new OperationalError(`the broker did not take the message within ${timeoutMs / 1000} s`)));
      const done = (): void => {
        signal?.removeEventListener('abort', giveUp);
        timer?.[Symbol.dispose]();
      };
      sent.then(resolve, reject).finally(done);
    });
  }
}

/** One message and no more: no workflow that must be compiled first. */
const isCall = ({ subtask_type, task }: SignatureData): boolean => subtask_type === null && task !== 'celery.chunks';
