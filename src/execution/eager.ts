import type { ResultBackend, SaveOptions } from '../backends/backend.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { ReceivedTask, TaskBody, TaskHeaders } from '../protocol/task-message.ts';
import type { ExecutionEnv, RunnableTask } from './env.ts';
import { finishTask } from './finish-task.ts';
import { runAfter } from './hooks.ts';
import type { TaskHost } from './host.ts';
import type { Outcome } from './outcome.ts';
import { runTask } from './run-task.ts';
import { TaskRun } from './run.ts';

/** How a call made here and now ended. */
export interface EagerRun {
  readonly outcome: Outcome;
  /** The last meta; undefined where nothing is recorded (ignored, replaced). */
  readonly meta: ResultMeta | undefined;
  /** The run itself, for the error that its outcome stands for (`thrownBy`). */
  readonly run: TaskRun;
}

export interface EagerOptions {
  readonly host: TaskHost;
  readonly env: ExecutionEnv;
  /** `taskStoreEagerResult`: results go to the store as well. */
  readonly storesResult: boolean;
  /** Aborts `self.signal`. */
  readonly signal?: AbortSignal;
}

/** Runs a call in this process by the same path as a worker does, its meta kept in memory. A retry runs at once, as in Celery. */
export async function runEagerly(received: ReceivedTask, task: RunnableTask, options: EagerOptions): Promise<EagerRun> {
  const metas = new Map<string, ResultMeta>();
  const backend = options.storesResult ? recording(options.env.backend, metas) : inMemory(options.env.backend, metas);
  const retried: { next: ReceivedTask | undefined } = { next: undefined };
  const env: ExecutionEnv = {
    ...boundEnv(options.env),
    backend,
    start: (signature, because, result) => {
      // The next attempt carries this call's own id; anything else is a follow-up.
      if (signature.options['task_id'] !== received.headers.id || signature.options['retries'] === undefined)
        return options.env.start(signature, because, result);
      retried.next = nextMessage(because, { args: signature.args, kwargs: signature.kwargs }, Number(signature.options['retries']));
      return Promise.resolve([[received.headers.id, null], null]);
    },
  };
  for (let current = received; ; current = retried.next) {
    retried.next = undefined;
    const run = new TaskRun(current, options.host, { isEager: true });
    const stop = forwardAbort(options.signal, run);
    const ended = await runTask(current, task, options.host, env.clock, run);
    stop();
    const { outcome, listensAfter } = await finishTask(current, ended, env);
    if (listensAfter) await runAfter(task, run, outcome, env.log);
    if (outcome.state !== 'RETRY' || retried.next === undefined) return { outcome, meta: metas.get(received.headers.id), run };
  }
}

/** A call that came by no broker, as a received task. */
export function eagerMessage(headers: TaskHeaders, body: TaskBody): ReceivedTask {
  return {
    headers,
    wire: { body: { text: '' }, contentType: 'application/json', contentEncoding: 'utf-8', headers, properties: {} },
    deliveryInfo: { exchange: '', routingKey: '', queue: '', priority: null, redelivered: false },
    body: () => body,
  };
}

function nextMessage(before: ReceivedTask, given: Pick<TaskBody, 'args' | 'kwargs'>, retries: number): ReceivedTask {
  const headers = { ...before.headers, retries, parent_id: before.headers.parent_id ?? before.headers.id };
  const read = before.body();
  const body = read instanceof Promise ? read.then((known) => ({ ...known, ...given })) : { ...read, ...given };
  return { ...before, headers, body: () => body };
}

/** An env's members, its methods bound: an object made of it by spreading keeps them. */
function boundEnv(env: ExecutionEnv): ExecutionEnv {
  const { clock, backend, hostname, resultExtended, log, errorNames, signal } = env;
  return {
    clock,
    backend,
    hostname,
    resultExtended,
    log,
    ...(errorNames === undefined ? null : { errorNames }),
    ...(signal === undefined ? null : { signal }),
    ...(env.isErrback === undefined ? null : { isErrback: env.isErrback.bind(env) }),
    ...(env.callErrback === undefined ? null : { callErrback: env.callErrback.bind(env) }),
    findTask: (name) => env.findTask(name),
    start: (signature, because, result) => env.start(signature, because, result),
  };
}

/** The store's other doings, with metas kept here and not there. */
function inMemory(store: ResultBackend, metas: Map<string, ResultMeta>): ResultBackend {
  const save = (meta: ResultMeta): Promise<void> => {
    metas.set(meta.task_id, meta);
    return Promise.resolve();
  };
  return withSave(store, save, (id) => Promise.resolve(metas.get(id)));
}

function recording(store: ResultBackend, metas: Map<string, ResultMeta>): ResultBackend {
  const save = (meta: ResultMeta, options?: SaveOptions): Promise<void> => {
    metas.set(meta.task_id, meta);
    return store.save(meta, options);
  };
  return withSave(store, save, (id) => store.load(id));
}

function withSave(store: ResultBackend, save: ResultBackend['save'], load: ResultBackend['load']): ResultBackend {
  return new Proxy(store, {
    get(target, key) {
      if (key === 'save') return save;
      if (key === 'load') return load;
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member as (...args: unknown[]) => unknown).bind(target) : member;
    },
  });
}

function forwardAbort(signal: AbortSignal | undefined, run: TaskRun): () => void {
  if (signal === undefined) return () => undefined;
  const abort = (): void => run.abort(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}
