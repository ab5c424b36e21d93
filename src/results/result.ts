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
  readonly propagate?: boolean;
  readonly followParents?: boolean;
  readonly disableSyncSubtasks?: boolean;
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
  collect(options?: { readonly intermediate?: boolean } & GetOptions): AsyncIterable<readonly [AsyncResult<unknown>, unknown]>;
  graph(): Promise<DependencyGraph>;
  updates(options?: WaitOptions): AsyncIterable<{ readonly state: TaskState; readonly info: unknown }>;
  forget(): Promise<void>;
  revoke(options?: RevokeOptions): Promise<void>;
  toJSON(): Json;
}
export interface EagerResult<out R> extends AsyncResult<R> {
  readonly value: R | undefined;
  readonly error: Error | undefined;
}
/** The results of a group, in order. Iterating gives them as they finish. */
export interface GroupResult<out T extends List>
  extends AsyncResult<T>, AsyncIterable<{ readonly index: number; readonly id: string; readonly value: T[number] }> {
  readonly results: { readonly [K in keyof T]: AsyncResult<T[K]> };
  readonly length: number;
  join(options?: GetOptions): Promise<T>;
  waiting(): Promise<boolean>;
  completedCount(): Promise<number>;
  save(): Promise<void>;
  delete(): Promise<void>;
}
/** Any results, gathered to be waited for together. */
export interface ResultSet<R> extends GroupResult<R[]> {
  add(result: AsyncResult<R>): void;
  remove(result: AsyncResult<R> | string): void;
  clear(): void;
}
export interface DependencyGraph {
  toDot(): string;
  readonly edges: readonly (readonly [from: string, to: string])[];
}
