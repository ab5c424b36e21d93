/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { CallSignature, sendingOf } from '../canvas/call-signature.ts';
import { chunksGroup } from '../canvas/chunks.ts';
import type { ApplyOptions, EagerOptions } from '../canvas/call-options.ts';
import { callOptions } from '../canvas/wire-options.ts';
import { Queue } from '../messaging/entities.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import type { AsyncResult, EagerResult } from '../results/result.ts';
import type { Core } from './app-core.ts';
import { bindArguments, type Parameters } from './arguments.ts';
import type { StandardSchemaV1 } from './schema.ts';
import type { TaskEntry } from './task-entry.ts';
import type { AnyTask, RemoteTask, Task } from './task-types.ts';
import type { TaskOptions } from './task-options.ts';
import { validate } from './validate.ts';

/** What calls of a task must know of it. */
export interface Callable {
  readonly name: string;
  readonly parameters: Parameters | undefined;
  readonly args: StandardSchemaV1<any, any> | undefined;
  readonly kwargs: true | StandardSchemaV1<any, any> | undefined;
  /** Arguments are checked when called, not only where the task runs. */
  readonly typing: boolean;
  readonly options: () => Readonly<TaskOptions>;
}

const NO_KWARGS: ValueMap = Object.freeze({});
const NO_OPTIONS: ValueMap = Object.freeze({});

/** The calls that every task has, wherever it lives. */
export function createRemote(callable: Callable, core: Core): RemoteTask<any, any> {
  const checked = checkOf(callable);
  const signature = (args: readonly unknown[], options: ValueMap = NO_OPTIONS, immutable = false): SignatureData => {
    const call = callable.kwargs === undefined ? undefined : splitKeywords(args);
    return {
      task: callable.name,
      args: (call?.args ?? args) as readonly Value[],
      kwargs: call?.kwargs ?? NO_KWARGS,
      options,
      subtask_type: null,
      immutable,
    };
  };
  const written = (args: readonly unknown[], immutable: boolean): CallSignature =>
    new CallSignature(signatureData(signature(args, {}, immutable)), core.caller);
  const send = (args: readonly unknown[], options?: ApplyOptions): Promise<AsyncResult<any>> => {
    try {
      if (!Array.isArray(args)) throw new TypeError(`applyAsync takes the arguments of ${callable.name} as an array`);
      if (options?.queue instanceof Queue) core.queues.add(options.queue);
      const data = signature(args, options === undefined ? NO_OPTIONS : callOptions(options));
      const check = checked?.(args, data);
      const sending = options === undefined ? {} : sendingOf(options);
      return check === undefined ? core.caller.start(data, sending) : check.then(() => core.caller.start(data, sending));
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const maps = (task: string, items: Iterable<unknown>): CallSignature =>
    new CallSignature(signatureData({ task, kwargs: { task: signature([]), it: [...items] as Value[] }, immutable: true }), core.caller);
  const remote = {
    name: callable.name,
    get options() {
      return callable.options();
    },
    delay: (...args: readonly unknown[]) => send(args),
    applyAsync: send,
    s: (...args: readonly unknown[]) => written(args, false),
    si: (...args: readonly unknown[]) => written(args, true),
    map: (items: Iterable<unknown>) => maps('celery.map', items),
    starmap: (items: Iterable<unknown>) => maps('celery.starmap', items),
    chunks: (items: Iterable<unknown>, size: number) => {
      const kwargs = { task: signature([]), it: [...items] as Value[], n: size };
      return new CallSignature(chunksGroup(signatureData({ task: 'celery.chunks', kwargs, immutable: true })), core.caller);
    },
  };
  return remote as unknown as RemoteTask<any, any>;
}

/** The same for a task that is defined here: it is a function too, the plain one. */
export function createTask(entry: TaskEntry, core: Core): Task<any, any> {
  const { definition } = entry;
  const typing = (): boolean => definition.options.typing ?? core.strictTyping;
  const remote = createRemote(
    {
      name: entry.name,
      parameters: definition.parameters,
      args: definition.args,
      kwargs: definition.kwargs,
      get typing() {
        return typing();
      },
      options: () => entry.options,
    },
    core,
  );
  const task = (...args: readonly unknown[]): unknown => entry.callDirectly(args);
  const apply = (args: readonly unknown[], options: EagerOptions = {}): Promise<EagerResult<unknown>> => {
    const call = definition.kwargs === undefined ? { args: args as readonly Value[], kwargs: NO_KWARGS } : splitKeywords(args);
    return core.eager.apply(signatureData({ task: entry.name, args: call.args, kwargs: call.kwargs }), options);
  };
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(remote)))
    Object.defineProperty(task, key, { ...descriptor, configurable: true });
  Object.defineProperty(task, 'apply', { value: apply, configurable: true });
  entry.handle = task as unknown as AnyTask;
  defined.set(task, { entry, core });
  return task as unknown as Task<any, any>;
}

const defined = new WeakMap<object, { readonly entry: TaskEntry; readonly core: Core }>();

/** What is behind a task that is defined here; undefined for anything else. */
export const definedAs = (task: object): { readonly entry: TaskEntry; readonly core: Core } | undefined => defined.get(task);

/** With `kwargs: true` the last argument, where it is a plain object, travels as Python's keywords. */
function splitKeywords(args: readonly unknown[]): { readonly args: readonly Value[]; readonly kwargs: ValueMap } {
  const last = args.at(-1);
  const isPlain = typeof last === 'object' && last !== null && [Object.prototype, null].includes(Object.getPrototypeOf(last) as object | null);
  return isPlain ? { args: args.slice(0, -1) as readonly Value[], kwargs: last as ValueMap } : { args: args as readonly Value[], kwargs: NO_KWARGS };
}

/** What is looked at before a call is sent. Values go as they were given: a schema that transforms is applied once, by the worker. Undefined where there is nothing to check. */
function checkOf(callable: Callable): ((args: readonly unknown[], data: SignatureData) => Promise<void> | undefined) | undefined {
  const { parameters, args: schema, kwargs } = callable;
  const keywords = kwargs === true ? undefined : kwargs;
  const names = parameters?.isDeclared === true ? parameters : undefined;
  if (schema === undefined && keywords === undefined && names === undefined) return undefined;
  return (args, data) => {
    if (names !== undefined && callable.typing && kwargs === undefined) bindArguments(names, data.args, data.kwargs);
    const answers = [
      schema === undefined ? undefined : validate(schema, args, `the arguments of ${callable.name}`),
      keywords === undefined ? undefined : validate(keywords, data.kwargs, `the keyword arguments of ${callable.name}`),
    ].filter((answer) => answer instanceof Promise);
    return answers.length === 0 ? undefined : Promise.all(answers).then(() => undefined);
  };
}
