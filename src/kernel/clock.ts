/** Time, as the rest of the house sees it. The only file that may touch Date.now or setTimeout. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch; goes into messages. */
  now(): number;
  /** Milliseconds that never go backwards; for measuring. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason if aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `action` once after `ms`, unless disposed first. One of the `background` (heartbeats, pings) does not keep the process alive. */
  schedule(ms: number, action: () => void, options?: ScheduleOptions): Disposable;
}
export interface ScheduleOptions {
  readonly background?: boolean;
}

/** The longest delay that setTimeout takes; what is longer is waited for in pieces. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const onAbort = (): void => {
        timer[Symbol.dispose]();
        reject(signal?.reason as Error);
      };
      const timer = systemClock.schedule(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
  schedule(ms, action, options) {
    const end = performance.now() + ms;
    const arm = (left: number): NodeJS.Timeout => {
      const armed = setTimeout(() => (left > MAX_TIMEOUT_MS ? (timer = arm(end - performance.now())) : action()), Math.max(0, Math.min(left, MAX_TIMEOUT_MS)));
      return options?.background === true ? armed.unref() : armed;
    };
    let timer = arm(ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
