import type { Encoded, Json, ValueMap } from './json.ts';
import type { TaskState } from './states.ts';
/** One task's result as every backend stores it. */
export interface ResultMeta {
  readonly task_id: string;
  readonly status: TaskState;
  /** The value, the exception's map, or the meta of a custom state. */
  readonly result: Encoded;
  readonly traceback: string | null;
  /** Result tuples; null when no request was at hand. */
  readonly children: readonly Json[] | null;
  /** Null unless the state is final. */
  readonly date_done: string | null;
  readonly group_id?: string;
  readonly parent_id?: string;
  /** With `resultExtended`: name, args, kwargs, worker, retries, queue, and each stamp, at the top level on the wire. */
  readonly extended?: ValueMap;
}
