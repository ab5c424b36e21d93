import type { Clock } from '../kernel/clock.ts';

/** Gives `action` a signal that aborts after `ms`; no timer is left behind. */
export async function withDeadline<T>(clock: Clock, ms: number, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = clock.schedule(ms, () => controller.abort(new Error(`not done within ${ms} ms`)));
  try {
    return await action(controller.signal);
  } finally {
    timer[Symbol.dispose]();
  }
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => (signal.aborted ? resolve(undefined) : signal.addEventListener('abort', () => resolve(undefined), { once: true })));
