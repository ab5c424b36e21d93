import type { Value, ValueMap } from '../protocol/json.ts';
import type { ResultMeta as StoredMeta } from '../protocol/result-meta.ts';
import type { TaskState } from '../protocol/states.ts';
import type { ResultMeta } from './result.ts';
import type { ResultSource } from './source.ts';

const ERROR_STATES: readonly TaskState[] = ['FAILURE', 'REVOKED', 'RETRY', 'REJECTED'];

export const valueOf = (meta: StoredMeta, source: ResultSource): unknown => source.unpack(meta.result.value());

/** The value, the error, or the meta of a custom state. */
export function infoOf(meta: StoredMeta, source: ResultSource): unknown {
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
