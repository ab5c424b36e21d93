import type { Encoded, Value, ValueMap } from '../protocol/json.ts';
import type { ResultMeta as StoredMeta } from '../protocol/result-meta.ts';
import { isFinal } from '../protocol/states.ts';
import { publicMeta } from '../results/async-result.ts';
import type { ResultMeta } from '../results/result.ts';
import type { ResultSource } from '../results/source.ts';

/** A meta as users write it, as backends store it. */
export function storedMeta(meta: ResultMeta, encode: (value: Value) => Encoded): StoredMeta {
  const { taskId, status, result, traceback, dateDone, name, args, kwargs, worker, retries, queue, stamps } = meta;
  const extended = { name, args, kwargs, worker, retries, queue, ...(stamps === undefined ? {} : { stamped_headers: Object.keys(stamps), ...stamps }) };
  const said = Object.fromEntries(Object.entries(extended).filter(([, value]) => value !== undefined)) as ValueMap;
  const date = dateDone ?? null;
  return {
    task_id: taskId,
    status,
    result: encode((result ?? null) as Value),
    traceback: traceback ?? null,
    children: [],
    date_done: isFinal(status) && date !== null ? date.toISOString().replace('Z', '000+00:00') : null,
    ...(Object.keys(said).length === 0 ? {} : { extended: said }),
  };
}

/** A stored meta as users read it. */
export const takenMeta = (meta: StoredMeta, source: ResultSource): ResultMeta => publicMeta(meta, source);
