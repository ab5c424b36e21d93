import type { Clock } from '../kernel/clock.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import { isFinal } from '../protocol/states.ts';

export interface PollingOptions {
  readonly states: 'final' | 'all';
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Between the first two looks; each further wait is half as long again, up to `maxIntervalMs`. Default 10. */
  readonly intervalMs?: number;
  /** Default 500, as Celery's polling. */
  readonly maxIntervalMs?: number;
  /** How many tasks one look asks for. Default 500. */
  readonly batch?: number;
  /** Calls `look` when something may have changed, where a store can tell: then the intervals are only a safety net. */
  readonly onChange?: (look: () => void) => Disposable;
}

/** Loads the metas that there are, of these tasks. */
export type LoadMany = (taskIds: readonly string[]) => Promise<readonly ResultMeta[]>;

/**
 * `ResultBackend.watch` for a store that cannot push: looks again and again, at what is not final yet. Each final meta comes once;
 * with 'all' each other one when it has changed. Ends when all are final or `signal` aborts.
 */
export async function* pollingWatch(load: LoadMany, taskIds: readonly string[], options: PollingOptions): AsyncGenerator<ResultMeta, void, void> {
  const { signal, clock, intervalMs = 10, maxIntervalMs = 500, batch = 500 } = options;
  const open = new Set(taskIds);
  const seen = new Map<string, string>();
  const alarm = { isRaised: false, ring: (): void => undefined };
  using _hearing = options.onChange?.(() => {
    alarm.isRaised = true;
    alarm.ring();
  });
  for (let waitMs = intervalMs; open.size > 0 && !signal.aborted;) {
    alarm.isRaised = false;
    let isNews = false;
    const ids = [...open];
    for (let from = 0; from < ids.length && !signal.aborted; from += batch) {
      for (const meta of await load(ids.slice(from, from + batch))) {
        const isEnd = isFinal(meta.status);
        if (!open.has(meta.task_id) || (!isEnd && !isChange(options.states, meta, seen))) continue;
        if (isEnd) open.delete(meta.task_id);
        isNews = true;
        yield meta;
      }
    }
    if (open.size === 0) return;
    waitMs = isNews ? intervalMs : Math.min(maxIntervalMs, waitMs * 1.5);
    if (!alarm.isRaised) await rest(clock, waitMs, signal, alarm);
  }
}

/** Until the time is over, the alarm rings, or nobody waits any more. */
function rest(clock: Clock, ms: number, signal: AbortSignal, alarm: { ring: () => void }): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      alarm.ring = () => undefined;
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.schedule(ms, end);
    alarm.ring = end;
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Whether a meta that is not final has not been told yet. */
function isChange(states: 'final' | 'all', meta: ResultMeta, seen: Map<string, string>): boolean {
  if (states === 'final') return false;
  const now = `${meta.status} ${meta.result.json}`;
  if (seen.get(meta.task_id) === now) return false;
  seen.set(meta.task_id, now);
  return true;
}
