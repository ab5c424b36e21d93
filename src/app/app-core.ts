import { hostname as machineName } from 'node:os';
import type { BackendDriver, ResultBackend } from '../backends/backend.ts';
import { answersCallers, checkBackend } from '../backends/registry.ts';
import type { TaskDefaults } from '../canvas/plan.ts';
import type { Settings } from '../config/settings/index.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { currentRun } from '../execution/context.ts';
import type { ExecutionEnv } from '../execution/env.ts';
import type { TaskHost } from '../execution/host.ts';
import { parseUrl, parseUrls, schemeOf } from '../kernel/broker-url.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { durationMs } from '../kernel/duration.ts';
import { newId } from '../kernel/ids.ts';
import { LamportClock } from '../kernel/lamport-clock.ts';
import { createLogger, type Logger } from '../kernel/logger.ts';
import type { BrokerLink } from '../messaging/link.ts';
import type { OutgoingMessage } from '../messaging/outgoing.ts';
import type { Producer } from '../messaging/producer.ts';
import { CustomTypes } from '../protocol/custom-types.ts';
import { ErrorNames } from '../protocol/exception.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { TaskErrorData } from '../protocol/exception.ts';
import { errorFrom } from './hooks.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { ReceivedTask, TaskBody } from '../protocol/task-message.ts';
import type { ResultSource } from '../results/source.ts';
import { createSerializerRegistry } from '../serialization/index.ts';
import type { SerializerRegistry } from '../serialization/registry.ts';
import { createSignals, type Signals } from '../signals.ts';
import type { Transport } from '../transports/transport.ts';
import type { BaseTask } from './base-task.ts';
import type { Celery } from './celery.ts';
import type { AppCore } from './core.ts';
import { forwarding, openBackendOf, openLinkOf } from './connections.ts';
import { EagerCalls } from './eager-calls.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Middleware } from './middleware.ts';
import { Publisher } from './publish.ts';
import { resultSource } from './result-source.ts';
import { RunRequest } from './request.ts';
import type { TaskRequest } from './task-context.ts';
import { Queues } from './queues.ts';
import { Registry } from './registry.ts';
import type { SettingsLayers } from './settings-layers.ts';
import { createStage, type Loan, type Stage } from './stage.ts';
import { Starter } from './start.ts';

export interface CoreOptions {
  readonly main: string;
  readonly layers: SettingsLayers;
  readonly log: Logger | undefined;
  readonly clock?: Clock;
  readonly strictTyping: boolean;
  readonly taskCls: (new () => BaseTask) | undefined;
}

/** The inside of an app: what its parts share. Nothing connects before somebody needs a connection. */
export class Core implements AppCore {
  readonly main: string;
  readonly celery: Celery;
  readonly lamport = new LamportClock();
  readonly owner = newId();
  readonly origin = `gen${process.pid}@${machineName()}`;
  readonly layers: SettingsLayers;
  readonly signals: Signals;
  readonly serializers: SerializerRegistry = createSerializerRegistry();
  readonly errorNames = new ErrorNames();
  /** Types of values that the app was taught. */
  readonly types = new CustomTypes();
  readonly registry = new Registry();
  /** Options of tasks that live elsewhere, by name. */
  readonly declared = new Map<string, TaskDefaults>();
  readonly middlewares: { readonly publishing: NonNullable<Middleware['publish']>[]; readonly executing: NonNullable<Middleware['execute']>[] } = {
    publishing: [],
    executing: [],
  };
  readonly transports = new Map<string, () => Promise<Transport>>();
  readonly backends = new Map<string, () => Promise<BackendDriver>>();
  readonly strictTyping: boolean;
  readonly taskCls: (new () => BaseTask) | undefined;
  /** For parts that keep their logger: it is whatever the app's is at the moment, since the worker replaces that. */
  readonly forwardedLog: Logger = forwarding(() => this.#log);
  readonly starter: Starter;
  readonly publisher: Publisher;
  readonly eager: EagerCalls;
  readonly keepAlive: KeepAlive;
  /** Work that must be done before the app is used: modules to load. */
  readonly #pending = new Set<Promise<void>>();
  #stage: Stage;
  #log: Logger;
  #queues: { readonly version: number; readonly table: Queues } | undefined;
  #eventSink: ((type: string, fields: JsonObject) => void) | undefined;
  #joinBlocks = false;
  #hostname: string | null = null;
  /** The settings whose result store is known to be one. */
  #checkedVersion = -1;

  constructor(celery: Celery, options: CoreOptions) {
    this.celery = celery;
    this.main = options.main;
    this.layers = options.layers;
    const clock = options.clock ?? systemClock;
    this.strictTyping = options.strictTyping;
    this.taskCls = options.taskCls;
    this.#log = options.log ?? createLogger({ clock, level: 'WARNING', write: (line) => void process.stderr.write(`${line}\n`) });
    this.signals = createSignals(() => this.#log);
    this.keepAlive = new KeepAlive(clock);
    this.publisher = new Publisher(this);
    this.starter = new Starter(this, this.publisher);
    this.eager = new EagerCalls(this);
    this.#stage = this.#newStage(clock);
  }

  get clock(): Clock {
    return this.#stage.clock;
  }
  get settings(): Readonly<Settings> {
    return this.layers.current;
  }
  get version(): number {
    return this.layers.version;
  }
  get log(): Logger {
    return this.#log;
  }
  setLog(log: Logger): void {
    this.#log = log;
  }
  get tasks(): Registry {
    return this.registry;
  }
  get caller(): Starter {
    return this.starter;
  }
  get host(): TaskHost {
    return this.#stage.host;
  }
  setHost(host: TaskHost): void {
    this.#stage.host = host;
    // This is a pool's child: it runs one task at a time, and one that waits holds the slot that another needs.
    this.#joinBlocks = true;
  }
  /** Classes of errors to try again after. In a pool's child they mean nothing: it is the parent that publishes. */
  ownErrors<T>(retryErrors: readonly T[]): readonly T[] {
    if (this.#stage.host === this.#stage.direct) return retryErrors;
    throw new ImproperlyConfigured('retryErrors cannot be given in a child of a pool, whose calls its parent sends: set them in taskPublishRetryPolicy');
  }
  setEventSink(sink: ((type: string, fields: JsonObject) => void) | undefined): void {
    this.#eventSink = sink;
  }
  setJoinBlocks(joinBlocks: boolean): void {
    this.#joinBlocks = joinBlocks;
  }
  get hostname(): string | null {
    return this.#hostname;
  }

  get queues(): Queues {
    if (this.#queues?.version !== this.version) this.#queues = { version: this.version, table: new Queues(this.settings) };
    return this.#queues.table;
  }

  get brokerUrls(): readonly URL[] {
    return parseUrls(this.settings.brokerUrl ?? '');
  }

  get backendUrl(): URL | undefined {
    const { resultBackend } = this.settings;
    return resultBackend === null || resultBackend === '' ? undefined : parseUrl(resultBackend);
  }

  /** ImproperlyConfigured where results can never be read, since nothing is known by that scheme: to be said before anything is sent for them. */
  checkBackend(): void {
    if (this.#checkedVersion === this.version) return;
    const url = this.backendUrl;
    if (url !== undefined && !this.backends.has(schemeOf(url))) checkBackend(schemeOf(url));
    this.#checkedVersion = this.version;
  }

  /** Undefined when nothing is to be waited for: calls then go the short way. */
  get loading(): Promise<void> | undefined {
    return this.#pending.size === 0 && this.layers.loading === undefined ? this.#answerable() : this.ready();
  }

  /** Whether results are sent to callers instead of stored (rpc). */
  get isAnswered(): boolean {
    return answersCallers(this.settings.resultBackend);
  }

  /** Where answers to our own calls are to be sent; known once `loading` has been awaited. */
  get replyTo(): string | undefined {
    return this.#stage.answering?.replyTo;
  }

  /** Undefined when calls may leave: the queue for their answers must be there before. */
  #answerable(): Promise<void> | undefined {
    if (!this.isAnswered) return undefined;
    const answering = this.#stage.answering;
    if (answering?.listening !== undefined) return answering.listening();
    return this.#listen();
  }

  async #listen(): Promise<void> {
    using _hold = this.hold();
    const backend = await this.backend();
    await backend.listening?.();
    this.#stage.answering = backend;
  }

  async ready(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    await this.layers.loading;
  }

  /** Something that must have been done before the app is used; its failure is thrown by `ready`. */
  awaitBeforeUse(work: Promise<void>): void {
    this.#pending.add(work);
    work.then(
      () => this.#pending.delete(work),
      () => undefined,
    );
  }

  async openLink(role: string, options: { readonly maxRetries?: number | null } = {}): Promise<BrokerLink> {
    await this.ready();
    return openLinkOf(this, role, options.maxRetries ?? null);
  }

  /** The app's own road to the broker, which its producer uses. */
  publishLink(): Promise<BrokerLink> {
    return this.#stage.own.link();
  }

  producer(): Promise<Producer> {
    return this.#stage.own.producer();
  }

  backend(): Promise<ResultBackend> {
    return this.#stage.own.backend();
  }

  /** A result store by its URL. */
  openBackend(url: string): Promise<ResultBackend> {
    return openBackendOf(this, url);
  }

  hold(): Disposable {
    return this.keepAlive.hold();
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<void> {
    await this.#stage.direct.dispatch({ chords: [], groups: [], messages });
  }

  async env(hostname: string): Promise<ExecutionEnv> {
    await this.ready();
    this.#hostname = hostname;
    return this.environment(await this.backend(), hostname);
  }

  environment(backend: ResultBackend, hostname: string): ExecutionEnv {
    return {
      clock: this.clock,
      backend,
      hostname,
      resultExtended: this.settings.resultExtended,
      chordJoinTimeoutMs: durationMs(this.settings.resultChordJoinTimeout) ?? 3000,
      log: this.forwardedLog,
      errorNames: this.errorNames,
      findTask: (name) => this.registry.get(name),
      isErrback: (name) => this.registry.errback(name) !== undefined,
      callErrback: (errback, failed, error) => this.#callErrback(errback, failed, error),
      start: (signature, because, result) => this.starter.follow(signature, because, result),
    };
  }

  async #callErrback(errback: SignatureData, failed: ReceivedTask, error: TaskErrorData): Promise<void> {
    const fn = this.registry.errback(errback.task) as ((...args: readonly unknown[]) => unknown) | undefined;
    try {
      const given = errback.immutable ? [] : [this.requestOf(failed, await failed.body()), errorFrom(error, this), error.traceback ?? ''];
      await fn?.(...given, ...errback.args);
    } catch (thrown) {
      this.log.error(`the errback ${errback.task} failed`, { error: thrown });
    }
  }

  /** What handles on results ask. */
  readonly results: ResultSource = resultSource(this);

  get joinBlocks(): boolean {
    return this.#joinBlocks && currentRun() !== undefined;
  }

  /** A task's request as signals tell it, where nothing runs: of a message that was received, revoked or lost. */
  requestOf(received: ReceivedTask, body: TaskBody): TaskRequest {
    const run = { received, children: [], isEager: false };
    return new RunRequest(run, body, { caller: this.starter, source: this.results, hostname: this.#hostname });
  }

  #newStage(clock: Clock): Stage {
    return createStage(this, clock, (type, fields) => this.#eventSink?.(type, fields));
  }

  /** For tests: until disposed of, everything of this app (its tasks too) has another clock, other settings and connections of its own. */
  borrow({ clock, settings }: Loan): AsyncDisposable {
    const before = this.#stage;
    const release = this.layers.override(settings);
    this.#stage = this.#newStage(clock);
    return {
      [Symbol.asyncDispose]: async () => {
        await this.close();
        this.#stage = before;
        release();
      },
    };
  }

  async close(): Promise<void> {
    using _hold = this.hold();
    await this.#stage.direct.idle();
    await this.#stage.own.close();
  }
}
