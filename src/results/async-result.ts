import type { Json } from '../protocol/json.ts';
import type { ResultMeta as StoredMeta } from '../protocol/result-meta.ts';
import { isFinal, type TaskState } from '../protocol/states.ts';
import type { AsyncResult, GetOptions, ResultMeta, RevokeOptions, WaitOptions } from './result.ts';
import { asking, type ResultSource } from './source.ts';
import { infoOf, publicMeta, valueOf } from './public-meta.ts';
import { checkNames, guardJoin, heard, waitFor } from './wait.ts';
import { ResultWalks } from './walks.ts';

export interface ResultOptions {
  readonly parent?: AsyncResult<unknown> | null | undefined;
  /** The call asked for no result: `get` answers null at once. */
  readonly ignored?: boolean | undefined;
}

/** Makes a handle of a result tuple; in `tree.ts`, handed in so that this file need not know groups. */
export type FromTuple = (tuple: Json) => AsyncResult<unknown>;

/** A handle on one call. What is final is kept, anything else asked for again. */
export class TaskResult<R> extends ResultWalks implements AsyncResult<R> {
  readonly id: string;
  readonly ignored: boolean;
  readonly parent: AsyncResult<unknown> | null;
  readonly #source: ResultSource;
  readonly #fromTuple: FromTuple;
  #final: StoredMeta | undefined;
  /** The end of a step before this one that let nothing follow. */
  #stopped: StoredMeta | undefined;

  constructor(id: string, source: ResultSource, fromTuple: FromTuple, options: ResultOptions = {}) {
    super();
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
    checkNames(options);
    if (this.ignored) return null as R;
    guardJoin(this.#source, options);
    const follows = options?.followParents !== false;
    let ended = this.#final ?? (follows ? this.#stopped : undefined);
    if (ended === undefined) {
      for await (const meta of heard(this.#source, follows ? this.awaits() : [this.id], options)) {
        ended = this.hear(meta);
        if (ended !== undefined) break;
      }
    }
    return this.#outcome(ended!, options);
  }

  #outcome(meta: StoredMeta, options: GetOptions | undefined): R | Error {
    if (meta.status === 'SUCCESS') {
      const value = valueOf(meta, this.#source) as R;
      options?.callback?.(this.id, value);
      return value;
    }
    const error = this.#source.errorOf(meta);
    if (options?.propagate !== false) throw error;
    options.callback?.(this.id, error);
    return error;
  }

  /** The ids whose end may end the waiting: its own, and those of the steps before. Not of groups: a failed part of a chord's header shows in the chord's body. */
  awaits(): readonly string[] {
    const ids: string[] = [this.id];
    for (let at = this.parent; at instanceof TaskResult; at = at.parent) ids.push(at.id);
    return ids;
  }

  /** What has come in of one of those: gives what ends the waiting for this result, or undefined. What has come need not be fetched again. */
  hear(meta: StoredMeta): StoredMeta | undefined {
    if (!isFinal(meta.status)) return undefined;
    if (meta.task_id === this.id) return (this.#final = meta);
    // A step of a chain that failed, or was revoked, ends the chain: nothing may ever be stored under the ids after it.
    return meta.status === 'SUCCESS' ? undefined : (this.#stopped = meta);
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

  async *updates(options?: WaitOptions): AsyncGenerator<{ readonly state: TaskState; readonly info: unknown }, void, void> {
    checkNames(options);
    for await (const meta of waitFor(this.#source, [this.id], { ...options, states: 'all' })) yield { state: meta.status, info: infoOf(meta, this.#source) };
  }

  async forget(): Promise<void> {
    this.#final = undefined;
    this.#stopped = undefined;
    await asking(this.#source, (backend) => backend.forget([this.id]));
    await this.parent?.forget();
  }

  revoke(options: RevokeOptions = {}): Promise<void> {
    return this.#source.revoke([this.id], options);
  }

  revokeByStampedHeaders(headers: Readonly<Record<string, Json>>, options: RevokeOptions = {}): Promise<void> {
    return this.#source.revokeByStamps(headers, options);
  }

  /** Celery's tuple: `[[id, parent], null]`. */
  toJSON(): Json {
    return [[this.id, this.parent?.toJSON() ?? null], null];
  }

  async #load(): Promise<StoredMeta | undefined> {
    if (this.#final !== undefined) return this.#final;
    const meta = await asking(this.#source, (backend) => backend.load(this.id));
    if (meta !== undefined) this.hear(meta);
    return meta;
  }
}
