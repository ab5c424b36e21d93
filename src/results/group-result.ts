import type { Json } from '../protocol/json.ts';
import type { TaskState } from '../protocol/states.ts';
import { TaskResult } from './async-result.ts';
import { collect } from './collect.ts';
import { dependencyGraph } from './graph.ts';
import type { AsyncResult, DependencyGraph, GetOptions, GroupResult, ResultMeta, ResultSet, RevokeOptions, WaitOptions } from './result.ts';
import { asking, type ResultSource } from './source.ts';
import { deadlineOf, guardJoin, waitFor } from './wait.ts';

type Results = readonly AsyncResult<unknown>[];

/** The results of a group, or of any calls gathered by `app.ResultSet`. */
export class GroupHandle<T extends readonly unknown[]> implements GroupResult<T> {
  readonly id: string;
  readonly parent: AsyncResult<unknown> | null;
  readonly ignored = false;
  readonly #source: ResultSource;
  #results: Results;

  constructor(id: string, results: Results, source: ResultSource, parent: AsyncResult<unknown> | null = null) {
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

  get(options: GetOptions & { readonly propagate: false }): Promise<T | Error>;
  get(options?: GetOptions): Promise<T>;
  async get(options?: GetOptions): Promise<T | Error> {
    guardJoin(this.#source, options);
    const wait = deadlineOf(this.#source, options);
    for await (const result of this.#settled(wait())) {
      // With `propagate` the first failure ends the waiting, whichever it is.
      if (options?.propagate !== false && (await result.failed())) await result.get({ ...wait(), disableSyncSubtasks: false });
    }
    const values: unknown[] = [];
    for (const result of this.#results) values.push(await result.get({ ...wait(), disableSyncSubtasks: false }));
    return values as unknown as T;
  }

  join(options?: GetOptions): Promise<T> {
    return this.get(options);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ readonly index: number; readonly id: string; readonly value: T[number] }, void, void> {
    const indexes = new Map(this.#results.map((result, index) => [result.id, index]));
    for await (const result of this.#settled({})) {
      const value = (await result.get({ disableSyncSubtasks: false })) as T[number];
      yield { index: indexes.get(result.id)!, id: result.id, value };
    }
  }

  /** Each direct result when it is final: plain ones by one watch over all of them, groups in it after that. */
  async *#settled(options: WaitOptions): AsyncGenerator<AsyncResult<unknown>, void, void> {
    const plain = new Map(
      this.#results.filter((result) => result instanceof TaskResult && !result.ignored).map((result) => [result.id, result as TaskResult<unknown>]),
    );
    for await (const meta of waitFor(this.#source, [...plain.keys()], { ...options, states: 'final' })) {
      const result = plain.get(meta.task_id);
      if (result === undefined) continue;
      result.settle(meta);
      yield result;
    }
    for (const result of this.#results) if (!plain.has(result.id)) yield result;
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

  collect(options?: { readonly intermediate?: boolean } & GetOptions): AsyncIterable<readonly [AsyncResult<unknown>, unknown]> {
    return collect(this, options);
  }

  graph(): Promise<DependencyGraph> {
    return dependencyGraph(this);
  }

  async *updates(options?: WaitOptions): AsyncGenerator<{ readonly state: TaskState; readonly info: unknown }, void, void> {
    const ids = this.#results.filter((result) => result instanceof TaskResult).map((result) => result.id);
    for await (const meta of waitFor(this.#source, ids, { ...options, states: 'all' }))
      yield { state: meta.status, info: { id: meta.task_id, info: meta.result.value() } };
  }

  async forget(): Promise<void> {
    await this.#each((result) => result.forget());
    await this.parent?.forget();
  }

  revoke(options: RevokeOptions = {}): Promise<void> {
    return this.#source.revoke(
      this.#results.map((result) => result.id),
      options,
    );
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

  toString(): string {
    return this.id;
  }

  /** Once, however often it is given. */
  add(result: AsyncResult<T[number]>): void {
    if (!this.#results.some((other) => other.id === result.id)) this.#results = [...this.#results, result];
  }

  remove(result: AsyncResult<T[number]> | string): void {
    const id = typeof result === 'string' ? result : result.id;
    if (!this.#results.some((other) => other.id === id)) throw new RangeError(`the result ${id} is not in this set`);
    this.#results = this.#results.filter((other) => other.id !== id);
  }

  clear(): void {
    this.#results = [];
  }

  #each<V>(ask: (result: AsyncResult<unknown>) => Promise<V>): Promise<V[]> {
    return Promise.all(this.#results.map(ask));
  }
}

/** Any results, gathered. */
export function resultSet<R>(id: string, results: Iterable<AsyncResult<R>>, source: ResultSource): ResultSet<R> {
  return new GroupHandle<R[]>(id, [...new Map([...results].map((result) => [result.id, result])).values()], source) as unknown as ResultSet<R>;
}
