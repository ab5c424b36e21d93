import type { Json } from '../protocol/json.ts';
import type { TaskState } from '../protocol/states.ts';
import { TaskResult } from './async-result.ts';
import type { AsyncResult, GetOptions, GroupResult, ResultMeta, ResultSet, RevokeOptions, SettledList, WaitOptions } from './result.ts';
import { asking, type ResultSource } from './source.ts';
import { infoOf } from './public-meta.ts';
import { checkNames, guardJoin, heard, waitFor } from './wait.ts';
import { ResultWalks } from './walks.ts';

type Results = readonly AsyncResult<unknown>[];

/** The results of a group, or of any calls gathered by `app.ResultSet`. */
export class GroupHandle<T extends readonly unknown[]> extends ResultWalks implements GroupResult<T> {
  readonly id: string;
  readonly parent: AsyncResult<unknown> | null;
  readonly ignored = false;
  readonly #source: ResultSource;
  #results: Results;

  constructor(id: string, results: Results, source: ResultSource, parent: AsyncResult<unknown> | null = null) {
    super();
    this.id = id;
    this.parent = parent;
    this.#results = results;
    this.#source = source;
  }

  get results(): { readonly [K in keyof T]: AsyncResult<T[K]> } {
    return this.#results as unknown as { readonly [K in keyof T]: AsyncResult<T[K]> };
  }

  get length(): number {
    return this.#results.length;
  }

  get(options: GetOptions & { readonly propagate: false }): Promise<SettledList<T>>;
  get(options: GetOptions & { readonly propagate: false }): Promise<T | Error>;
  get(options?: GetOptions): Promise<T>;
  async get(options?: GetOptions): Promise<T> {
    checkNames(options);
    guardJoin(this.#source, options);
    // What has come is known to its handle: asking it again waits for nothing, and is told to nobody.
    const { callback, onMessage: _, ...quietly } = { ...options, disableSyncSubtasks: false };
    for await (const result of this.#settled(options)) {
      // With `propagate` the first failure ends the waiting, whichever it is.
      const value = await result.get(quietly);
      callback?.(result.id, value);
    }
    return (await Promise.all(this.#results.map((result) => result.get(quietly)))) as unknown as T;
  }

  join(options: GetOptions & { readonly propagate: false }): Promise<SettledList<T>>;
  join(options?: GetOptions): Promise<T>;
  join(options?: GetOptions): Promise<T> {
    return this.get(options);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ readonly index: number; readonly id: string; readonly value: T[number] }, void, void> {
    guardJoin(this.#source, undefined);
    const indexes = new Map(this.#results.map((result, index) => [result.id, index]));
    for await (const result of this.#settled(undefined)) {
      const value = (await result.get({ disableSyncSubtasks: false })) as T[number];
      yield { index: indexes.get(result.id)!, id: result.id, value };
    }
  }

  /** Each direct result when it has ended, in that order: one watch over all that is below, and what each waits for. */
  async *#settled(options: GetOptions | undefined): AsyncGenerator<AsyncResult<unknown>, void, void> {
    const open = new Map<AsyncResult<unknown>, Set<TaskResult<unknown>>>();
    const waiting = new Map<string, (readonly [leaf: TaskResult<unknown>, member: AsyncResult<unknown>])[]>();
    for (const member of this.#results) {
      const leaves = leavesOf(member).filter((leaf) => leaf instanceof TaskResult && !leaf.ignored) as TaskResult<unknown>[];
      if (leaves.length === 0) {
        yield member;
        continue;
      }
      open.set(member, new Set(leaves));
      for (const leaf of leaves) {
        const ids = options?.followParents === false ? [leaf.id] : leaf.awaits();
        for (const id of ids) {
          const list = waiting.get(id);
          if (list === undefined) waiting.set(id, [[leaf, member]]);
          else list.push([leaf, member]);
        }
      }
    }
    if (open.size === 0) return;
    for await (const meta of heard(this.#source, [...waiting.keys()], options)) {
      for (const [leaf, member] of waiting.get(meta.task_id) ?? []) {
        const leaves = open.get(member);
        if (leaves === undefined || leaf.hear(meta) === undefined) continue;
        leaves.delete(leaf);
        // A failure that is to be thrown need not wait for the rest of a group.
        const isThrown = meta.status !== 'SUCCESS' && options?.propagate !== false;
        if (leaves.size > 0 && !isThrown) continue;
        open.delete(member);
        yield member;
      }
      if (open.size === 0) return;
    }
  }

  async ready(): Promise<boolean> {
    return !(await this.waiting());
  }

  async waiting(): Promise<boolean> {
    return (await this.#each((result) => result.ready())).includes(false);
  }

  async successful(): Promise<boolean> {
    return (await this.#each((result) => result.successful())).every(Boolean);
  }

  async failed(): Promise<boolean> {
    return (await this.#each((result) => result.failed())).some(Boolean);
  }

  async completedCount(): Promise<number> {
    const counts = await this.#each((result) => (result instanceof GroupHandle ? result.completedCount() : result.successful().then(Number)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async exists(): Promise<boolean> {
    return (await asking(this.#source, (backend) => backend.loadGroup(this.id))) !== undefined;
  }

  async state(): Promise<TaskState> {
    if (await this.failed()) return 'FAILURE';
    return (await this.successful()) ? 'SUCCESS' : 'PENDING';
  }

  async info<Meta = unknown>(): Promise<Meta> {
    return (await this.#each((result) => result.info())) as Meta;
  }

  async traceback(): Promise<string | null> {
    return (await this.#each((result) => result.traceback())).find((traceback) => traceback !== null) ?? null;
  }

  async meta(): Promise<ResultMeta> {
    return { taskId: this.id, status: await this.state(), result: await this.info(), traceback: await this.traceback(), dateDone: null };
  }

  children(): Promise<readonly AsyncResult<unknown>[]> {
    return Promise.resolve(this.#results);
  }

  async *updates(options?: WaitOptions): AsyncGenerator<{ readonly state: TaskState; readonly info: unknown }, void, void> {
    checkNames(options);
    const ids = leavesOf(this).flatMap((leaf) => (leaf instanceof TaskResult ? [leaf.id] : []));
    for await (const meta of waitFor(this.#source, ids, { ...options, states: 'all' })) {
      yield { state: meta.status, info: { id: meta.task_id, info: infoOf(meta, this.#source) } };
    }
  }

  async forget(): Promise<void> {
    await this.#each((result) => result.forget());
    await this.parent?.forget();
  }

  revoke(options: RevokeOptions = {}): Promise<void> {
    return this.#source.revoke(
      leavesOf(this).map((leaf) => leaf.id),
      options,
    );
  }

  revokeByStampedHeaders(headers: Readonly<Record<string, Json>>, options: RevokeOptions = {}): Promise<void> {
    return this.#source.revokeByStamps(headers, options);
  }

  /** Stores who is in it, under its id: `app.GroupResult(id)` gives it back. */
  async save(): Promise<void> {
    await asking(this.#source, (backend) => backend.saveGroup(this.id, this.toJSON()));
  }

  async delete(): Promise<void> {
    await asking(this.#source, (backend) => backend.forgetGroup(this.id));
  }

  /** Celery's tuple: `[[id, parent], [members]]`. */
  toJSON(): Json {
    return [[this.id, this.parent?.toJSON() ?? null], this.#results.map((result) => result.toJSON())];
  }

  /** Once, however often it is given. */
  add(result: AsyncResult<T[number]>): void {
    if (!this.#results.some((other) => other.id === result.id)) this.#results = [...this.#results, result];
  }

  update(results: Iterable<AsyncResult<T[number]>>): void {
    for (const result of results) this.add(result);
  }

  remove(result: AsyncResult<T[number]> | string): void {
    const id = typeof result === 'string' ? result : result.id;
    if (!this.#results.some((other) => other.id === id)) throw new RangeError(`the result ${id} is not in this set`);
    this.discard(id);
  }

  discard(result: AsyncResult<T[number]> | string): void {
    const id = typeof result === 'string' ? result : result.id;
    this.#results = this.#results.filter((other) => other.id !== id);
  }

  clear(): void {
    this.#results = [];
  }

  #each<V>(ask: (result: AsyncResult<unknown>) => Promise<V>): Promise<V[]> {
    return Promise.all(this.#results.map(ask));
  }
}

/** The results of tasks in it, however deep its groups are. */
function leavesOf(result: AsyncResult<unknown>): Results {
  return result instanceof GroupHandle ? (result.results as Results).flatMap(leavesOf) : [result];
}

/** Any results, gathered. */
export function resultSet<R>(id: string, results: Iterable<AsyncResult<R>>, source: ResultSource): ResultSet<R> {
  return new GroupHandle<R[]>(id, [...new Map([...results].map((result) => [result.id, result])).values()], source) as unknown as ResultSet<R>;
}
