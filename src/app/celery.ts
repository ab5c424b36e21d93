/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { sendingOf } from '../canvas/call-signature.ts';
import { signatureOf, type signature } from '../canvas/by-name.ts';
import type { SendOptions } from '../canvas/call-options.ts';
import type { Errback } from '../canvas/errback.ts';
import type { List, Received } from '../canvas/sendable.ts';
import type { ResultOf, Signature, SignatureInit } from '../canvas/signature.ts';
import { callOptions } from '../canvas/wire-options.ts';
import type { AddedEntry, PeriodicOptions, ScheduleLike } from './schedule.ts';
import { readSource } from '../config/resolve.ts';
import { environmentModule } from '../config/sources.ts';
import type { NamespacedSettings, Settings, SettingsInput, SettingsSource } from '../config/settings/index.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { newId } from '../kernel/ids.ts';
import type { Logger } from '../kernel/logger.ts';
import { Queue } from '../messaging/entities.ts';
import type { Json, Value, ValueMap } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import { resultSet } from '../results/group-result.ts';
import type { AsyncResult, GroupResult, ResultSet } from '../results/result.ts';
import { asking } from '../results/source.ts';
import { handleOf, nodeOf } from '../results/tree.ts';
import type { SignalName, SignalTable, Sender } from '../signals.ts';
import { Core } from './app-core.ts';
import type { AppOptions, Extension } from './app-options.ts';
import { autodiscover } from './autodiscover.ts';
import type { BaseTask } from './base-task.ts';
import { registerBuiltins } from './builtins.ts';
import { checkAppOptions } from './check-options.ts';
import { configurationModule } from './configuration-module.ts';
import { setCore } from './core.ts';
import { callSite } from './definition.ts';
import { declareTask } from './declare.ts';
import { defineTask, type DefineArguments } from './define.ts';
import { createErrback } from './errback.ts';
import { extend } from './extend.ts';
import type { Middleware } from './middleware.ts';
import type { StandardSchemaV1 } from './schema.ts';
import { SettingsLayers } from './settings-layers.ts';
import { bugReport } from './report.ts';
import { sharedCore } from './sharing.ts';
import { joinShared } from './shared-task.ts';
import type { TaskContext, TaskRequest } from './task-context.ts';
import type { DeclareOptions, TaskOptions } from './task-options.ts';
import type { Registered } from './task-registry-type.ts';
import type { AnyFunction, ArgsOf, CheckedHandler, Defined, NamedTask, RemoteTask, Task, TaskContract, TaskDefiner } from './task-types.ts';
import { storeOf, type ResultStore } from './stored-meta.ts';

/** A Celery app: its settings, its tasks, and how to call them. Nothing connects before the first call. */
export class Celery<out Main extends string = string> implements AsyncDisposable {
  readonly main: Main;
  /** Defines a task. Give it a name: without one it is `main` and the function's own, which bundlers rename. */
  readonly task: TaskDefiner;
  /** A signature by name, belonging to this app. */
  readonly signature: typeof signature;
  readonly #core: Core;
  readonly #namespace: string | undefined;
  readonly #periodic = new Map<string, AddedEntry>();

  constructor(main: Main, options: AppOptions = {}) {
    const { broker, backend, namespace, strictTyping = true, taskCls, log, ...settings } = options;
    const shared = sharedCore(options);
    if (shared === undefined) checkAppOptions(main, settings);
    this.main = main;
    this.#namespace = namespace;
    const urls = { ...(broker === undefined ? {} : { brokerUrl: broker }), ...(backend === undefined ? {} : { resultBackend: backend }) };
    this.#core = shared ?? new Core(this, { main, layers: new SettingsLayers({ ...settings, ...urls }), log, strictTyping, taskCls });
    setCore(this, this.#core);
    const core = this.#core;
    const define = (...given: DefineArguments): unknown => defineTask(core, given, callSite(define));
    this.task = define as unknown as TaskDefiner;
    this.signature = ((name: string, call: SignatureInit<any> = {}) => signatureOf(core.caller, name, call)) as typeof signature;
    if (shared !== undefined) return;
    registerBuiltins(core);
    joinShared(core);
    const configModule = environmentModule();
    if (configModule !== undefined) this.configFromObject(configModule);
  }

  /** The settings, none left out. Frozen; `configure` makes new ones. */
  get conf(): Readonly<Settings> {
    return this.#core.settings;
  }

  get log(): Logger {
    return this.#core.log;
  }

  /** The tasks defined here, by name. */
  get tasks(): ReadonlyMap<string, Task<any[], any>> {
    return new Map([...this.#core.registry.entries()].map((entry) => [entry.name, entry.handle as unknown as Task<any[], any>]));
  }

  /** The result store itself. */
  get backend(): ResultStore {
    return storeOf(this.#core.results, this.#core.settings.resultBackend);
  }

  /** Defines several: `main` and each key make the name, which no bundler touches and the compiler knows. */
  defineTasks<T extends Readonly<Record<string, (this: TaskContext, ...args: never[]) => unknown>>>(
    tasks: T & { readonly [K in keyof T]: CheckedHandler<T[K], false> },
    options: TaskOptions = {},
  ): { readonly [K in keyof T & string]: NamedTask<`${Main}.${K}`, ArgsOf<T[K]>, ReturnType<T[K]>> } {
    const where = callSite(Celery.prototype.defineTasks as never);
    const made = Object.entries(tasks).map(([key, fn]) => [key, defineTask(this.#core, [`${this.main}.${key}`, options, fn as never], where)] as const);
    return Object.fromEntries(made) as never;
  }

  /** Registers a class task; arguments and result are those of its `run`. */
  register<T extends BaseTask>(task: new () => T): Defined<T['name'], Parameters<T['run']>, ReturnType<T['run']>> {
    const probe = new task();
    const where = callSite(Celery.prototype.register as never);
    const run = probe.run as (...args: never[]) => unknown;
    const name = probe.name ?? `${this.main}.${task.name}`;
    return defineTask(this.#core, [name, { ...probe.options, base: task }, run], where) as never;
  }

  /** A task that lives elsewhere: `declare<(url: string) => Image>('images.resize')`. */
  declare<F extends AnyFunction>(name: string, options?: DeclareOptions): RemoteTask<Parameters<F>, ReturnType<F>>;
  declare<In extends List, RO>(
    name: string,
    options: DeclareOptions & { readonly args: StandardSchemaV1<In, any>; readonly result?: StandardSchemaV1<any, RO> },
  ): RemoteTask<In, RO>;
  declare<A extends List, R>(contract: TaskContract<A, R>): RemoteTask<A, R>;
  declare(nameOrContract: string | TaskContract<any, any>, given: DeclareOptions & { readonly args?: StandardSchemaV1<any, any> } = {}): RemoteTask<any, any> {
    const [name, options] = typeof nameOrContract === 'string' ? [nameOrContract, given] : [nameOrContract.name, nameOrContract.options];
    return declareTask(this.#core, name, options);
  }

  /** The code for a contract: parameters need no annotation. */
  implement<A extends List, R>(contract: TaskContract<A, R>, fn: (this: TaskContext, ...args: A) => R | Promise<Awaited<R>>): Task<A, R | Promise<Awaited<R>>> {
    return defineTask(this.#core, [contract.name, contract.options as object, fn as never], callSite(Celery.prototype.implement as never)) as never;
  }

  /** A callback for failures, run in the failing worker with the error itself. */
  errback<Stored extends List = []>(
    name: string,
    fn: (request: TaskRequest, error: Error, traceback: string, ...stored: Stored) => void | Promise<void>,
  ): Errback<Stored> {
    this.#core.registry.addErrback(name, fn as never);
    return createErrback(name) as Errback<Stored>;
  }

  /**
   * What an error is called in Python, and back: a result of that type arrives as an instance of the class.
   * `toArgs` are Python's constructor arguments; default `[message]`.
   */
  registerError<E extends Error>(
    type: abstract new (...args: any[]) => E,
    pythonName: `${string}.${string}`,
    convert?: { readonly toArgs?: (error: E) => readonly Json[]; readonly fromArgs?: (...args: Json[]) => E },
  ): this {
    this.#core.errorNames.register(type as never, pythonName, convert);
    return this;
  }

  /** Calls by name. Typed by `TaskRegistry`, or by a function type: `sendTask<typeof add>('proj.add', [1, 2])`. */
  sendTask<N extends string>(
    name: N,
    args?: Readonly<Parameters<Registered<N>>>,
    options?: SendOptions<Received<ReturnType<Registered<N>>>>,
  ): Promise<AsyncResult<Received<ReturnType<Registered<N>>>>>;
  sendTask<F extends AnyFunction>(
    name: string,
    args: Parameters<F>,
    options?: SendOptions<Received<ReturnType<F>>>,
  ): Promise<AsyncResult<Received<ReturnType<F>>>>;
  async sendTask(name: string, args: readonly unknown[] = [], options: SendOptions = {}): Promise<AsyncResult<any>> {
    const { kwargs = {}, ...rest } = options;
    if (rest.queue instanceof Queue) this.#core.queues.add(rest.queue);
    const data = signatureData({ task: name, args: args as readonly Value[], kwargs: kwargs as ValueMap, options: callOptions(rest) });
    return this.#core.starter.start(data, { ...sendingOf(rest), isByName: true });
  }

  /** Many calls at once; they leave together. Rejects with the first failure; the others may have been sent. */
  sendMany<const S extends readonly Signature<[], unknown>[]>(calls: S): Promise<{ -readonly [K in keyof S]: AsyncResult<ResultOf<S[K]>> }>;
  sendMany<R>(calls: Iterable<Signature<[], R>>): Promise<AsyncResult<R>[]>;
  sendMany(calls: Iterable<Signature<[], unknown>>): Promise<any> {
    return this.#core.starter.startAll([...calls].map((call) => call.toJSON() as unknown as SignatureData));
  }

  /** A handle on the result of a call whose id is known. */
  AsyncResult<R = unknown>(id: string): AsyncResult<R> {
    return handleOf({ id, parent: null, children: null }, this.#core.results) as AsyncResult<R>;
  }

  /** A group that was saved; null when there is none. */
  async GroupResult<R = unknown>(id: string): Promise<GroupResult<R[]> | null> {
    const tree = await asking(this.#core.results, (store) => store.loadGroup(id));
    return tree === undefined ? null : (handleOf(nodeOf(tree), this.#core.results) as unknown as GroupResult<R[]>);
  }

  /** Results gathered, to be waited for together. */
  ResultSet<R>(results: Iterable<AsyncResult<R>>): ResultSet<R> {
    return resultSet(newId(), results, this.#core.results);
  }

  /** Settings over all that were given before. */
  configure(settings: SettingsInput): this {
    this.#core.layers.change(settings);
    return this;
  }

  /** Settings from an object in any of Celery's spellings, or from a module by its path (then `await app.ready()` before reading `conf`). */
  configFromObject<const NS extends string = ''>(
    source: ('' extends NS ? SettingsSource : NamespacedSettings<NS>) | string,
    options: { readonly namespace?: NS; readonly silent?: boolean } = {},
  ): this {
    const namespace = options.namespace ?? this.#namespace;
    if (typeof source !== 'string') this.#core.layers.addObject(readSource(source as Readonly<Record<string, unknown>>, { namespace }));
    else this.#core.layers.load(configurationModule(source, { ...options, namespace }));
    return this;
  }

  /** The same, from the module that an environment variable names. */
  configFromEnvvar(name: string, options: { readonly silent?: boolean } = {}): this {
    const path = process.env[name];
    if (path !== undefined && path !== '') return this.configFromObject(path, options);
    if (options.silent === true) return this;
    throw new ImproperlyConfigured(`the environment variable ${name} is not set; expected the path of a configuration module`);
  }

  /** Settings weaker than all others. A function is called when settings are first needed. */
  addDefaults(defaults: SettingsInput | (() => SettingsInput)): this {
    this.#core.layers.addDefaults(defaults);
    return this;
  }

  /** A serializer, compressor, transport or backend of your own, opened when first needed. */
  extend(extension: Extension): this {
    extend(this.#core, extension);
    return this;
  }

  /** Adds an entry to the schedule; gives its name. Beat reads it beside `beatSchedule`. */
  addPeriodicTask(schedule: ScheduleLike, task: Signature<[], unknown>, options: PeriodicOptions = {}): string {
    const { name = `${task.toString()} every ${typeof schedule === 'object' ? JSON.stringify(schedule) : schedule}`, ...rest } = options;
    const signature = task.toJSON() as unknown as SignatureData;
    this.#periodic.set(name, { ...rest, task: task.task, schedule, args: task.args, kwargs: task.kwargs, signature });
    return name;
  }

  /** What `addPeriodicTask` has added. */
  get periodicTasks(): ReadonlyMap<string, AddedEntry> {
    return this.#periodic;
  }

  /** Loads every module that a glob matches, before the app is used; a worker waits for it, other programs with `await app.ready()`. */
  autodiscoverTasks(globs: readonly string[] | (() => readonly string[]), _options: { readonly force?: boolean } = {}): void {
    this.#core.awaitBeforeUse(
      Promise.resolve()
        .then(() => autodiscover(typeof globs === 'function' ? globs() : globs))
        .then(() => undefined),
    );
  }

  /** Resolves when everything that was given by path has been loaded: configuration modules, discovered tasks. */
  ready(): Promise<void> {
    return this.#core.ready();
  }

  /** Listens; dispose of the result to stop. An error in a listener is logged and goes no further. */
  on<S extends SignalName>(signal: S, listener: (event: SignalTable[S]) => void | Promise<void>, options?: { readonly sender?: Sender }): Disposable {
    return this.#core.signals.on(signal, listener, options);
  }

  /** Wraps publishing and running, outermost first. */
  use(middleware: Middleware): this {
    const { publishing, executing } = this.#core.middlewares;
    if (middleware.publish !== undefined) publishing.push((call, next) => middleware.publish!(call, next));
    if (middleware.execute !== undefined) executing.push((context, next) => middleware.execute!(context, next));
    return this;
  }

  /** Versions, platform and settings, with secrets masked: for bug reports. */
  bugreport(): string {
    return bugReport(this.conf);
  }

  now(): Date {
    return new Date(this.#core.clock.now());
  }

  /** Flushes what is under way and lets go of every connection. */
  close(): Promise<void> {
    return this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
