import type { Duration } from '../kernel/duration.ts';
import type { Json } from '../protocol/json.ts';
import type { TaskState } from '../protocol/states.ts';

type List = readonly unknown[];

export interface WaitOptions {
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
  /** Accepted as Celery's; the store decides how often it is asked, and most tell by themselves. */
  readonly interval?: Duration;
}
export interface GetOptions extends WaitOptions {
  /** Default true: a failure is thrown. With false it is given as a value. */
  readonly propagate?: boolean;
  /** Default true: a step before this one that failed, or was revoked, ends the waiting; nothing may ever be stored under the ids after it. */
  readonly followParents?: boolean;
  /** False allows waiting inside a task whose slot may be the one that is needed. */
  readonly disableSyncSubtasks?: boolean;
  /** Called with each value (or error, without `propagate`) as it comes: once for a task, once for each member of a group. */
  readonly callback?: (taskId: string, value: unknown) => void;
  /** Called with what is heard on the way, final or not: progress, retries. Hears what the store tells while it is waited. */
  readonly onMessage?: (meta: ResultMeta) => void;
}
export interface RevokeOptions {
  readonly terminate?: boolean;
  readonly signal?: string;
  /** Resolve only when the workers have heard it: when none has answered for `timeout`. */
  readonly wait?: boolean;
  /** Default 1 second. */
  readonly timeout?: Duration;
}
export interface ResultMeta {
  readonly taskId: string;
  readonly status: TaskState;
  readonly result: unknown;
  readonly traceback: string | null;
  readonly dateDone: Date | null;
  /** The task that made the call, where one did. */
  readonly parentId?: string;
  /** The group that it is a member of, where it is one. */
  readonly groupId?: string;
  readonly name?: string;
  readonly args?: List;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly worker?: string;
  readonly retries?: number;
  readonly queue?: string;
  readonly stamps?: Readonly<Record<string, unknown>>;
}

/** A handle on one call. Not thenable: `await` does not wait for the task, `get()` does. */
export interface AsyncResult<out R> {
  readonly id: string;
  readonly ignored: boolean;
  readonly parent: AsyncResult<unknown> | null;
  get(options: GetOptions & { readonly propagate: false }): Promise<R | Error>;
  get(options?: GetOptions): Promise<R>;
  ready(): Promise<boolean>;
  successful(): Promise<boolean>;
  failed(): Promise<boolean>;
  exists(): Promise<boolean>;
  state(): Promise<TaskState>;
  /** The value, the error, or the meta of a custom state. */
  info<Meta = unknown>(): Promise<Meta>;
  traceback(): Promise<string | null>;
  meta(): Promise<ResultMeta>;
  children(): Promise<readonly AsyncResult<unknown>[]>;
  /** This and all that it started, breadth first, each with its value. With `intermediate` what has not ended has the value null, and nothing is waited for. */
  collect(options?: { readonly intermediate?: boolean } & GetOptions): AsyncIterable<readonly [AsyncResult<unknown>, unknown]>;
  /** The same without values, each with what started it (null for this one). Throws IncompleteStream at one that has not ended, unless `intermediate`. */
  iterdeps(options?: { readonly intermediate?: boolean }): AsyncIterable<readonly [parent: AsyncResult<unknown> | null, node: AsyncResult<unknown>]>;
  /** The value of the last that `collect` gives. */
  getLeaf(options?: GetOptions): Promise<unknown>;
  /** What came before and what came of it, as far as it is stored now, with states. */
  graph(): Promise<DependencyGraph>;
  /** The states that it goes through from now on, the final one last; each group's member has an `id`. */
  updates(options?: WaitOptions): AsyncIterable<{ readonly state: TaskState; readonly info: unknown }>;
  /** Removes what is stored of it, and of the results before it. */
  forget(): Promise<void>;
  revoke(options?: RevokeOptions): Promise<void>;
  /** Revokes every task that carries one of these stamps, whoever sent it. */
  revokeByStampedHeaders(headers: Readonly<Record<string, Json>>, options?: RevokeOptions): Promise<void>;
  /** Its id, and those of the results before it. */
  asList(): readonly string[];
  toJSON(): Json;
}
export interface EagerResult<out R> extends AsyncResult<R> {
  readonly value: R | undefined;
  readonly error: Error | undefined;
}
/** What a group gives with `propagate: false`: errors in the places of the members that failed. */
export type SettledList<T extends List> = { [K in keyof T]: T[K] | Error };
/** The results of a group, in order. Iterating gives them as they finish. */
export interface GroupResult<out T extends List>
  extends AsyncResult<T>, AsyncIterable<{ readonly index: number; readonly id: string; readonly value: T[number] }> {
  readonly results: { readonly [K in keyof T]: AsyncResult<T[K]> };
  readonly length: number;
  get(options: GetOptions & { readonly propagate: false }): Promise<SettledList<T>>;
  // No call gets here: what AsyncResult says stays said for the compiler, which infers the result of a Group taken for a Signature from it.
  get(options: GetOptions & { readonly propagate: false }): Promise<T | Error>;
  get(options?: GetOptions): Promise<T>;
  join(options: GetOptions & { readonly propagate: false }): Promise<SettledList<T>>;
  join(options?: GetOptions): Promise<T>;
  waiting(): Promise<boolean>;
  completedCount(): Promise<number>;
  save(): Promise<void>;
  delete(): Promise<void>;
}
/** Any results, gathered to be waited for together. */
export interface ResultSet<R> extends GroupResult<R[]> {
  add(result: AsyncResult<R>): void;
  /** RangeError where it is not in the set; `discard` does not mind. */
  remove(result: AsyncResult<R> | string): void;
  discard(result: AsyncResult<R> | string): void;
  /** Adds those that are not in it. */
  update(results: Iterable<AsyncResult<R>>): void;
  clear(): void;
}
/** A picture of a workflow: of calls that are written down, or of results with their states. */
export interface DependencyGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly (readonly [from: string, to: string])[];
  /** For Graphviz. */
  toDot(): string;
  /** For Markdown and the like. */
  toMermaid(): string;
}
export interface GraphNode {
  readonly id: string;
  /** What is written on it: the task's name where that is known (`resultExtended`), else its id. */
  readonly label: string;
  /** Null where nothing runs under this id: a call that is only written down, or a group. */
  readonly state: TaskState | null;
}
