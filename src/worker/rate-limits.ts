import type { Clock } from '../kernel/clock.ts';
import type { TimerHeap } from '../kernel/timer-heap.ts';
import { TokenBucket } from '../kernel/token-bucket.ts';

interface Line<T> {
  readonly bucket: TokenBucket;
  readonly waiting: Set<T>;
  timer: Disposable | undefined;
}

/** One token bucket for each task type with a limit, and those who wait for its tokens, first come first served. */
export class RateLimits<T> {
  readonly #clock: Clock;
  readonly #timers: TimerHeap;
  readonly #onToken: (item: T) => void;
  readonly #lines = new Map<string, Line<T>>();
  /** What remote control has said; it wins over the task's own option. */
  readonly #overrides = new Map<string, number | null>();

  constructor(options: { readonly clock: Clock; readonly timers: TimerHeap; readonly onToken: (item: T) => void }) {
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#onToken = options.onToken;
  }

  /** Calls per second that hold for a task now; null for no limit. */
  rateOf(task: { readonly name: string; readonly policy: { readonly ratePerSecond: number | null } }): number | null {
    const rate = this.#overrides.size === 0 ? undefined : this.#overrides.get(task.name);
    return rate === undefined ? task.policy.ratePerSecond : rate;
  }

  /** Gets in line; `onToken` is called with it, at once if there is a token. */
  wait(taskName: string, ratePerSecond: number, item: T): void {
    let line = this.#lines.get(taskName);
    if (line === undefined || line.bucket.fillRate !== ratePerSecond) {
      const waiting = line?.waiting ?? new Set<T>();
      line?.timer?.[Symbol.dispose]();
      line = { bucket: new TokenBucket(this.#clock, ratePerSecond), waiting, timer: undefined };
      this.#lines.set(taskName, line);
    }
    line.waiting.add(item);
    this.#serve(line);
  }

  /** From now on another limit; null for none. Those who wait follow the new one. */
  set(taskName: string, ratePerSecond: number | null): void {
    this.#overrides.set(taskName, ratePerSecond);
    const line = this.#lines.get(taskName);
    if (line === undefined) return;
    line.timer?.[Symbol.dispose]();
    this.#lines.delete(taskName);
    for (const item of line.waiting) {
      if (ratePerSecond === null) this.#onToken(item);
      else this.wait(taskName, ratePerSecond, item);
    }
  }

  remove(taskName: string, item: T): void {
    this.#lines.get(taskName)?.waiting.delete(item);
  }

  clear(): void {
    for (const line of this.#lines.values()) line.timer?.[Symbol.dispose]();
    this.#lines.clear();
  }

  #serve(line: Line<T>): void {
    if (line.timer !== undefined) return;
    for (const item of line.waiting) {
      if (!line.bucket.take()) {
        line.timer = this.#timers.schedule(line.bucket.waitMs(), () => {
          line.timer = undefined;
          this.#serve(line);
        });
        return;
      }
      line.waiting.delete(item);
      this.#onToken(item);
    }
  }
}

/** Celery's rate string (`'10/m'`, `5`) as calls per second; null for no limit, undefined when it is none. */
export function parseRate(rate: string | number | null): number | null | undefined {
  if (rate === null) return null;
  if (typeof rate === 'number') return rate > 0 ? rate : null;
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:\/\s*([smh]))?\s*$/.exec(rate);
  if (match === null) return undefined;
  const perSecond = Number(match[1]) / { s: 1, m: 60, h: 3600 }[match[2] ?? 's']!;
  return perSecond > 0 ? perSecond : null;
}
