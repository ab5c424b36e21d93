import type { ResultMeta } from '../protocol/result-meta.ts';
import type { ResultBackend } from './backend.ts';
import { decorated } from './decorated.ts';

/**
 * The same store with the newest `max` successes kept in memory (`resultCacheMax`): a SUCCESS that is stored stays, so it need not be asked for again.
 * What another program forgets is still known here until it is crowded out.
 */
export function cached(backend: ResultBackend, max: number): ResultBackend {
  const known = new Map<string, ResultMeta>();
  const keep = (meta: ResultMeta): void => {
    if (meta.status !== 'SUCCESS') return;
    known.delete(meta.task_id);
    known.set(meta.task_id, meta);
    if (known.size > max) known.delete(known.keys().next().value!);
  };
  return decorated(backend, {
    async load(taskId) {
      const meta = known.get(taskId) ?? (await backend.load(taskId));
      if (meta !== undefined) keep(meta);
      return meta;
    },
    async *watch(taskIds, options) {
      for await (const meta of backend.watch(taskIds, options)) {
        keep(meta);
        yield meta;
      }
    },
    forget(taskIds) {
      for (const id of taskIds) known.delete(id);
      return backend.forget(taskIds);
    },
  });
}
