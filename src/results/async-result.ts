import type { Json, Value, ValueMap } from '../protocol/json.ts';
import type { ResultMeta as StoredMeta } from '../protocol/result-meta.ts';
import { isFinal, type TaskState } from '../protocol/states.ts';
import { collect } from './collect.ts';
import { dependencyGraph } from './graph.ts';
import type { AsyncResult, DependencyGraph, GetOptions, ResultMeta, RevokeOptions, WaitOptions } from './result.ts';
import { asking, type ResultSource } from './source.ts';
import { deadlineOf, guardJoin, waitFor } from './wait.ts';

export interface ResultOptions {
  readonly parent?: AsyncResult<unknown> | null | undefined;
  /** The call asked for no result: `get` answers null at once. */
  readonly ignored?: boolean | undefined;
}

/** Makes a handle of a result tuple; in `tree.ts`, handed in so that this file need not know groups. */
export type FromTuple = (tuple: Json) => AsyncResult<unknown>;

/** A handle on one call. What is final is kept, anything else asked for again. */
export class TaskResult<R> implements AsyncResult<R> {
  readonly id: string;
  readonly ignored: boolean;
  readonly parent: AsyncResult<unknown> | null;
  readonly #source: ResultSource;
  readonly #fromTuple: FromTuple;
  #final: StoredMeta | undefined;

  constructor(id: string, source: ResultSource, fromTuple: FromTuple, options: ResultOptions = {}) {
    if (typeof id !== 'string' || id === '') throw new TypeError(`a task id was expected, not ${JSON.stringify(id) ?? String(id)}`);
    this.id = id;
    this.ignored = options.ignored ?? false;
    this.parent = options.parent ?? null;
    this.#source = source;
    this.#fromTuple = fromTuple;
  }

  get(options: GetOptions & { readonly propagate: false }): Promise<R | Error>;
  get(options?: GetOptions): Promise<R>;
  async get(options?: GetOptions): Promise<R | Error> {
    if (this.ignored) return null as R;
    guardJoin(this.#source, options);
    const ancestors = this.#final !== undefined || options?.followParents === false ? [] : this.#ancestors();
    const wait = deadlineOf(this.#source, options);
    if (this.#final === undefined) {
      for await (const meta of waitFor(this.#source, [this.id, ...ancestors], { ...wait(), states: 'final' })) {
        if (meta.task_id === this.id) {
          this.#final = meta;
          break;
        }
        // A step of a chain that failed, or was revoked, ends the chain: nothing may ever be stored under the ids after it.
        if (meta.status !== 'SUCCESS') return this.#outcome(meta, options);
      }
    }
    return this.#outcome(this.#final!, options);
  }

  #outcome(meta: StoredMeta, options: GetOptions | undefined): R | Error {
    if (meta.status === 'SUCCESS') return valueOf(meta, this.#source) as R;
    const error = this.#source.errorOf(meta);
    if (options?.propagate === false) return error;
    throw error;
  }

  /** Ids of the steps before, but not of groups: a failed part of a chord's header shows in the chord's body. */
  #ancestors(): readonly string[] {
    const ids: string[] = [];
    for (let at = this.parent; at instanceof TaskResult; at = at.parent) ids.push(at.id);
    return ids;
  }

  async ready(): Promise<boolean> {
    return isFinal(await this.state());
  }

  async successful(): Promise<boolean> {
    return (await this.state()) === 'SUCCESS';
  }

  async failed(): Promise<boolean> {
    return (await this.state()) === 'FAILURE';
  }

  async exists(): Promise<boolean> {
    return (await this.#load()) !== undefined;
  }

  async state(): Promise<TaskState> {
    return (await this.#load())?.status ?? 'PENDING';
  }

  async info<Meta = unknown>(): Promise<Meta> {
    const meta = await this.#load();
    return (meta === undefined ? null : infoOf(meta, this.#source)) as Meta;
  }

  async traceback(): Promise<string | null> {
    return (await this.#load())?.traceback ?? null;
  }

  async meta(): Promise<ResultMeta> {
    const meta = await this.#load();
    if (meta === undefined) return { taskId: this.id, status: 'PENDING', result: null, traceback: null, dateDone: null };
    return publicMeta(meta, this.#source);
  }

  async children(): Promise<readonly AsyncResult<unknown>[]> {
    return ((await this.#load())?.children ?? []).map((tuple) => this.#fromTuple(tuple));
  }

  collect(options?: { readonly intermediate?: boolean } & GetOptions): AsyncIterable<readonly [AsyncResult<unknown>, unknown]> {
    return collect(this, options);
  }

  graph(): Promise<DependencyGraph> {
    return dependencyGraph(this);
  }

  async *updates(options?: WaitOptions): AsyncGenerator<{ readonly state: TaskState; readonly info: unknown }, void, void> {
    for await (const meta of waitFor(this.#source, [this.id], { ...options, states: 'all' })) yield { state: meta.status, info: infoOf(meta, this.#source) };
  }

  async forget(): Promise<void> {
    this.#final = undefined;
    await asking(this.#source, (backend) => backend.forget([this.id]));
    await this.parent?.forget();
  }

  revoke(options: RevokeOptions = {}): Promise<void> {
    return this.#source.revoke([this.id], options);
  }

  /** Celery's tuple: `[[id, parent], null]`. */
  toJSON(): Json {
    return [[this.id, this.parent?.toJSON() ?? null], null];
  }

  toString(): string {
    return this.id;
  }

  /** For those who wait for many at once: what has come need not be fetched again. */
  settle(meta: StoredMeta): void {
    if (isFinal(meta.status)) this.#final = meta;
  }

  async #load(): Promise<StoredMeta | undefined> {
    if (this.#final !== undefined) return this.#final;
    const meta = await asking(this.#source, (backend) => backend.load(this.id));
    if (meta !== undefined) this.settle(meta);
    return meta;
  }
}

const ERROR_STATES: readonly TaskState[] = ['FAILURE', 'REVOKED', 'RETRY', 'REJECTED'];

const valueOf = (meta: StoredMeta, source: ResultSource): unknown => source.unpack(meta.result.value());

/** The value, the error, or the meta of a custom state. */
function infoOf(meta: StoredMeta, source: ResultSource): unknown {
  const value = valueOf(meta, source);
  const isError = ERROR_STATES.includes(meta.status) && typeof value === 'object' && value !== null && 'exc_type' in value;
  return isError ? source.errorOf(meta) : value;
}

/** A stored meta as users read it. */
export function publicMeta(meta: StoredMeta, source: ResultSource): ResultMeta {
  const result = infoOf(meta, source);
  const { stamped_headers, name, args, kwargs, worker, retries, queue, ...rest } = (meta.extended ?? {}) as ValueMap;
  const stamps = ((stamped_headers ?? []) as readonly string[]).map((stamp) => [stamp, rest[stamp]] as const);
  const extended: Record<string, Value | undefined> = { name, args, kwargs, worker, retries, queue };
  return {
    taskId: meta.task_id,
    status: meta.status,
    result,
    traceback: meta.traceback,
    dateDone: meta.date_done === null ? null : new Date(meta.date_done),
    ...(meta.parent_id === undefined ? {} : { parentId: meta.parent_id }),
    ...(meta.group_id === undefined ? {} : { groupId: meta.group_id }),
    ...(Object.fromEntries(Object.entries(extended).filter(([, value]) => value !== undefined)) as Partial<ResultMeta>),
    ...(stamps.length === 0 ? {} : { stamps: Object.fromEntries(stamps) }),
  };
}
