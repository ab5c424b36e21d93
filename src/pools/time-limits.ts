import { SoftTimeLimitExceeded } from '../errors.ts';
import type { Clock } from '../kernel/clock.ts';
import { TimerHeap } from '../kernel/timer-heap.ts';
import type { Job } from './pool.ts';

/** What a pool does when a limit is over. */
export interface LimitActions {
  /** Aborts the run's signal. */
  soft(reason: Error): void;
  /** Ends the run, or gives it up. */
  hard(limitMs: number): void;
}

/** Soft and hard limits of all running jobs, on one timer. They count from the moment the function was called. */
export class TimeLimits {
  readonly #timers: TimerHeap;

  constructor(clock: Clock) {
    this.#timers = new TimerHeap(clock);
  }

  /** Undefined where the job has no limits; else dispose of it when the job has ended. */
  arm({ softTimeLimitMs, timeLimitMs }: Job, actions: LimitActions): Disposable | undefined {
    if (softTimeLimitMs === null && timeLimitMs === null) return undefined;
    const soft = softTimeLimitMs === null ? undefined : this.#timers.schedule(softTimeLimitMs, () => actions.soft(softLimit(softTimeLimitMs)));
    const hard = timeLimitMs === null ? undefined : this.#timers.schedule(timeLimitMs, () => actions.hard(timeLimitMs));
    return {
      [Symbol.dispose]: () => {
        soft?.[Symbol.dispose]();
        hard?.[Symbol.dispose]();
      },
    };
  }

  /** Another thing to do later, on the same timer. */
  later(ms: number, action: () => void): Disposable {
    return this.#timers.schedule(ms, action);
  }

  clear(): void {
    this.#timers.clear();
  }
}

const softLimit = (ms: number): Error => new SoftTimeLimitExceeded(`the soft time limit of ${ms / 1000}s is over`);
