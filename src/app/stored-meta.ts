import { maskUrl } from '../kernel/broker-url.ts';
import { encoded } from '../protocol/json-text.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import type { ResultMeta as StoredMeta } from '../protocol/result-meta.ts';
import { isFinal } from '../protocol/states.ts';
import { publicMeta } from '../results/public-meta.ts';
import type { ResultMeta } from '../results/result.ts';
import { asking, type ResultSource } from '../results/source.ts';

/** The result store as users see it: `app.backend`. */
export interface ResultStore {
  save(meta: ResultMeta): Promise<void>;
  load(taskId: string): Promise<ResultMeta | undefined>;
  forget(taskIds: readonly string[]): Promise<void>;
  /** Its URL, for logs and people: the password is `**` unless it is asked for. `disabled://` where there is none. */
  asUri(options?: { readonly includePassword?: boolean | undefined }): string;
}

/** `url`: `resultBackend`. */
export function storeOf(source: ResultSource, url: string | null): ResultStore {
  return {
    asUri: ({ includePassword = false } = {}) => (url === null ? 'disabled://' : includePassword ? url : maskUrl(url)),
    save: (meta) => asking(source, (store) => store.save(storedMeta(meta))),
    load: async (taskId) => {
      const meta = await asking(source, (store) => store.load(taskId));
      return meta === undefined ? undefined : publicMeta(meta, source);
    },
    forget: (taskIds) => asking(source, (store) => store.forget(taskIds)),
  };
}

/** A meta as users write it, as backends store it. */
function storedMeta(meta: ResultMeta): StoredMeta {
  const { taskId, status, result, traceback, dateDone, parentId, groupId, name, args, kwargs, worker, retries, queue, stamps } = meta;
  const extended = { name, args, kwargs, worker, retries, queue, ...(stamps === undefined ? {} : { stamped_headers: Object.keys(stamps), ...stamps }) };
  const said = Object.fromEntries(Object.entries(extended).filter(([, value]) => value !== undefined)) as ValueMap;
  const date = dateDone ?? null;
  return {
    task_id: taskId,
    status,
    result: encoded((result ?? null) as Value),
    traceback: traceback ?? null,
    children: [],
    date_done: isFinal(status) && date !== null ? date.toISOString().replace('Z', '000+00:00') : null,
    ...(groupId === undefined ? {} : { group_id: groupId }),
    ...(parentId === undefined ? {} : { parent_id: parentId }),
    ...(Object.keys(said).length === 0 ? {} : { extended: said }),
  };
}
