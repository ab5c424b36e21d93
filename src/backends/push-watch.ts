import type { ResultMeta } from '../protocol/result-meta.ts';
import { isFinal } from '../protocol/states.ts';

/** How many metas may wait for a reader that is slower than the writers. */
const MAX_UNREAD = 10_000;

/** Where metas come in, and the last of each task is kept for a while. */
export interface MetaFeed {
  last(taskId: string): ResultMeta | undefined;
  /** Calls `listener` with every meta of these tasks from now on. */
  listen(taskIds: readonly string[], listener: (meta: ResultMeta) => void): Disposable;
}

/** `ResultBackend.watch` where metas come by themselves. Ends when all are final or `signal` aborts. */
export async function* pushWatch(
  feed: MetaFeed,
  taskIds: readonly string[],
  { states, signal }: { readonly states: 'final' | 'all'; readonly signal: AbortSignal },
): AsyncGenerator<ResultMeta, void, void> {
  const open = new Set(taskIds);
  const unread: ResultMeta[] = [];
  const reader = { wake: (): void => undefined };
  const onMeta = (meta: ResultMeta): void => {
    if (states === 'final' && !isFinal(meta.status)) return;
    if (unread.length >= MAX_UNREAD) dropOne(unread);
    unread.push(meta);
    reader.wake();
  };
  const onAbort = (): void => reader.wake();
  signal.addEventListener('abort', onAbort, { once: true });
  using _listening = feed.listen([...open], onMeta);
  try {
    for (const id of open) {
      const meta = feed.last(id);
      if (meta !== undefined) onMeta(meta);
    }
    while (open.size > 0 && !signal.aborted) {
      const meta = unread.shift();
      if (meta === undefined) await new Promise<void>((resolve) => (reader.wake = resolve));
      else if (open.has(meta.task_id)) {
        if (isFinal(meta.status)) open.delete(meta.task_id);
        yield meta;
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Progress may be skipped, an end may not. */
function dropOne(unread: ResultMeta[]): void {
  const index = unread.findIndex((meta) => !isFinal(meta.status));
  if (index !== -1) unread.splice(index, 1);
}
