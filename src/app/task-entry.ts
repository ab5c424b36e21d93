import type { TaskDefaults } from '../canvas/plan.ts';
import { wireOptions } from '../canvas/wire-options.ts';
import type { Run } from '../execution/env.ts';
import { localErrbacks } from '../execution/errbacks.ts';
import type { Outcome } from '../execution/outcome.ts';
import type { TaskPolicy } from '../execution/policy.ts';
import type { ErrorNames } from '../protocol/exception.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import type { TaskBody } from '../protocol/task-message.ts';
import { bindArguments, bindWithKeywords } from './arguments.ts';
import { attach, BaseTask, FunctionTask } from './base-task.ts';
import type { Core } from './app-core.ts';
import type { RegisteredTask } from './core.ts';
import type { Definition } from './definition.ts';
import { Hooks } from './hooks.ts';
import { wrap } from './middleware.ts';
import type { AnyTask } from './task-types.ts';
import type { TaskContext } from './task-context.ts';
import { TaskSelf } from './task-self.ts';
import type { TaskOptions } from './task-options.ts';
import { annotated, policyOf } from './task-policy.ts';
import { validate } from './validate.ts';

/** Task options that are options of each call as well. */
const CALL_OPTIONS = ['queue', 'exchange', 'routingKey', 'priority', 'expires', 'serializer', 'deliveryMode', 'compression'] as const;

/** What is made of a task's options and the settings; made anew after these changed. */
interface Compiled {
  readonly version: number;
  readonly options: Readonly<TaskOptions>;
  readonly policy: TaskPolicy;
  readonly defaults: TaskDefaults;
}

interface Own {
  readonly instance: BaseTask;
  readonly source: TaskSelf;
  readonly hooks: Hooks;
}

/** A registered task: what the worker runs, and what calls of it need to know. */
export class TaskEntry implements RegisteredTask {
  readonly name: string;
  readonly definition: Definition;
  readonly #core: Core;
  #handle: AnyTask | undefined;
  #compiled: Compiled | undefined;
  #self: Own | undefined;

  constructor(definition: Definition, core: Core) {
    this.name = definition.name;
    this.definition = definition;
    this.#core = core;
  }

  get handle(): AnyTask {
    return this.#handle!;
  }
  set handle(handle: AnyTask) {
    this.#handle = handle;
  }

  get options(): Readonly<TaskOptions> {
    return this.#now().options;
  }

  get policy(): TaskPolicy {
    return this.#now().policy;
  }

  get errorNames(): ErrorNames {
    return this.#core.errorNames;
  }

  /** What calls say where the caller said nothing. */
  get defaults(): TaskDefaults {
    return this.#now().defaults;
  }

  /** The instance that handlers have as `self`. One per process, made when the task first runs. */
  get self(): BaseTask {
    return this.#instance().instance;
  }

  run(run: Run, body: TaskBody): unknown {
    const { types } = this.#core;
    if (types.isUnused) return this.#run(run, body);
    const value = this.#run(run, { ...body, args: types.unpack(body.args), kwargs: types.unpack(body.kwargs) });
    return value instanceof Promise ? value.then((settled) => types.pack(settled)) : types.pack(value);
  }

  #run(run: Run, body: TaskBody): unknown {
    run.caller = this.#core.caller;
    const { source, hooks, instance } = this.#instance();
    source.note(run, body, instance);
    const { middlewares, signals } = this.#core;
    const { args, result } = this.definition;
    if (!hooks.runsBefore && middlewares.executing.length === 0 && args === undefined && result === undefined && !signals.has('taskPrerun')) {
      return this.#call(instance, this.#bound(body));
    }
    return this.#runWithAll(body);
  }

  async #runWithAll(body: TaskBody): Promise<unknown> {
    const { source, hooks, instance } = this.#instance();
    const { signals, middlewares } = this.#core;
    const { args, kwargs } = body;
    if (signals.has('taskPrerun')) await signals.emit('taskPrerun', { ...source.event(), args, kwargs }, this.name);
    await hooks.beforeStart();
    const bound = this.#bound(body);
    const given = this.definition.args === undefined ? bound : await validate(this.definition.args, bound, `the arguments of ${this.name}`);
    const value = await wrap(middlewares.executing, instance as TaskContext, async () => this.#call(instance, given as readonly unknown[]));
    return this.definition.result === undefined ? value : validate(this.definition.result, value, `what ${this.name} returns`);
  }

  /** Arguments in the order of the parameters. */
  #bound({ args, kwargs }: TaskBody): readonly unknown[] {
    const { parameters, fn, isBound } = this.definition;
    if (this.definition.kwargs !== undefined) return bindWithKeywords(parameters, fn.length - (isBound ? 1 : 0), args, kwargs);
    if (parameters?.isDeclared === true) return bindArguments(parameters, args, kwargs);
    for (const name in kwargs) {
      if (parameters === undefined) {
        throw new TypeError(
          `${this.name}() got the keyword argument '${name}', but its parameters cannot be read from its source: give the task \`params\`, such as params: ['x', 'y?']`,
        );
      }
      return bindArguments(parameters, args, kwargs);
    }
    return args;
  }

  #call(instance: BaseTask, args: readonly unknown[]): unknown {
    const fn = this.definition.fn as (this: unknown, ...args: readonly unknown[]) => unknown;
    return this.definition.isBound ? fn.call(instance, instance, ...args) : fn.apply(instance, args as unknown[]);
  }

  isRunning(run: Run): boolean {
    return this.#self?.source.isRunning(run) === true;
  }

  /** As a plain function: what `add(2, 2)` does. */
  callDirectly(args: readonly unknown[]): unknown {
    return this.#call(this.#instance().instance, args);
  }

  get listensAfter(): boolean {
    return this.#instance().hooks.runsAfter || this.#core.signals.has('taskPostrun') || AFTER.some((signal) => this.#core.signals.has(signal));
  }

  async after(run: Run, outcome: Outcome): Promise<void> {
    run.caller = this.#core.caller;
    const { source, hooks, instance } = this.#instance();
    const body = await run.received.body();
    source.note(run, body, instance);
    await hooks.after(body, outcome);
    if (outcome.state === 'FAILURE') {
      const local = localErrbacks(body, (name) => this.#core.registry.errback(name) !== undefined);
      for (const errback of local) await hooks.errback(errback, outcome);
    }
  }

  /** As in Celery: what was inherited and has the name of what is given now is dropped. */
  mergeArguments(body: TaskBody, given: { readonly args?: readonly Value[]; readonly kwargs?: ValueMap }): Pick<TaskBody, 'args' | 'kwargs'> {
    const names = (this.definition.parameters?.names ?? []).map((name) => name.replace(/\?$/, ''));
    if (given.args !== undefined) {
      const taken = new Set(names.slice(0, given.args.length));
      return { args: given.args, kwargs: Object.fromEntries(Object.entries(body.kwargs).filter(([name]) => !taken.has(name))) };
    }
    const kwargs = given.kwargs ?? {};
    const first = names.findIndex((name) => Object.hasOwn(kwargs, name));
    if (first < 0 || first >= body.args.length) return { args: body.args, kwargs };
    // Positional arguments behind the one that is now given by name go by name too.
    const moved = body.args.slice(first).map((value, index) => [names[first + index]!, value] as const);
    return { args: body.args.slice(0, first), kwargs: { ...Object.fromEntries(moved.filter(([name]) => name !== undefined)), ...kwargs } };
  }

  #instance(): Own {
    if (this.#self === undefined) {
      const Class = this.definition.base ?? this.#core.taskCls ?? FunctionTask;
      const instance = new Class();
      if (!(instance instanceof BaseTask)) throw new TypeError(`the base of ${this.name} must extend Task`);
      const source = new TaskSelf(this, this.#core);
      attach(instance, source);
      if (instance.name !== this.name) Object.defineProperty(instance, 'name', { value: this.name, configurable: true });
      if (instance.options === undefined) Object.defineProperty(instance, 'options', { value: this.definition.options, configurable: true });
      this.#self = { instance, source, hooks: new Hooks(this, instance, source, this.#core) };
    }
    return this.#self;
  }

  #now(): Compiled {
    const { version } = this.#core;
    if (this.#compiled?.version === version) return this.#compiled;
    const { settings } = this.#core;
    const options = annotated(this.name, this.definition.options, settings.taskAnnotations);
    const policy = policyOf(options, settings, this.#core.errorNames);
    const called = wireOptions(Object.fromEntries(CALL_OPTIONS.map((name) => [name, options[name] ?? undefined])));
    const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
    const shadowName = this.#shadowName(options);
    const defaults: TaskDefaults = {
      options: called,
      timeLimit: seconds(policy.timeLimitMs),
      softTimeLimit: seconds(policy.softTimeLimitMs),
      // Said where the task or the app says something; else the worker's own setting is to count.
      ignoreResult: options.ignoreResult ?? (settings.taskIgnoreResult ? true : null),
      ...(shadowName === undefined ? {} : { shadowName }),
    };
    this.#compiled = { version, options, policy, defaults };
    return this.#compiled;
  }

  #shadowName(options: TaskOptions): TaskDefaults['shadowName'] {
    if (options.shadowName !== undefined) return options.shadowName;
    const { base } = this.definition;
    if (base === undefined || (base.prototype as BaseTask).shadowName === BaseTask.prototype.shadowName) return undefined;
    return (args, kwargs) => this.self.shadowName(args, kwargs);
  }
}

const AFTER = ['taskSuccess', 'taskFailure', 'taskRetry', 'taskRejected'] as const;
