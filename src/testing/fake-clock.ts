import type { Clock } from '../kernel/clock.ts';

/** A clock that stands still until it is told to move. Timers due on the way run in order, each at its own time. */
export interface FakeClock extends Clock {
  /** Timers and sleeps that have not come to their end. */
  readonly pending: number;
  /** Moves time by `ms`. After each timer that runs, whatever it set going (promises, `setImmediate`) gets its turn before time moves on. */
  advance(ms: number): Promise<void>;
  /** Moves straight to the next timer, if there is one; tells whether. */
  next(): Promise<boolean>;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  const time = { now: startMs, order: 0 };

  const schedule = (ms: number, action: () => void): Disposable => {
    const timer: Timer = { at: time.now + Math.max(0, ms), order: time.order++, action };
    timers.add(timer);
    return { [Symbol.dispose]: () => void timers.delete(timer) };
  };

  const runFirst = async (untilMs: number): Promise<boolean> => {
    await settled();
    const first = [...timers].sort((a, b) => a.at - b.at || a.order - b.order)[0];
    if (first === undefined || first.at > untilMs) return false;
    timers.delete(first);
    time.now = Math.max(time.now, first.at);
    first.action();
    await settled();
    return true;
  };

  return {
    get pending() {
      return timers.size;
    },
    now: () => time.now,
    monotonic: () => time.now - startMs,
    schedule,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const onAbort = (): void => {
          timer[Symbol.dispose]();
          reject(signal?.reason as Error);
        };
        const timer = schedule(ms, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    async advance(ms) {
      const untilMs = time.now + ms;
      while (await runFirst(untilMs));
      time.now = untilMs;
      await settled();
    },
    next: () => runFirst(Number.POSITIVE_INFINITY),
  };
}

/** A few turns of the event loop: enough for chains of promises and for what waits for the end of a tick. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
