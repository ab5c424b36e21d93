/** Tasks that end sooner than this are worth taking ahead of time. */
const SHORT_MS = 10;
/** AMQP's own limit, and ours where the multiplier is 0 ("no limit"). */
const MOST = 65_535;

export interface InHand {
  /** What the pool would take now. */
  readonly room: number;
  /** Running, and not acknowledged yet. */
  readonly runningLate: number;
  /** Waiting for a rate limit's token. */
  readonly limited: number;
  /** Waiting here for their eta. */
  readonly scheduled: number;
}

/**
 * How many messages the worker may hold. It begins with the free slots, so that a worker with long tasks takes nothing that another could run,
 * and grows towards `multiplier × slots` while tasks prove short; a long one halves what is taken ahead. The slots are the pool's concurrency,
 * or what its children hold together of tasks that have proven very short: two children that were given eight jobs at a time would wait for the broker.
 */
export class Prefetch {
  readonly #multiplier: number;
  readonly #etaLimit: number;
  readonly #isAhead: boolean;
  #ahead = 0;

  /** `multiplier`: `workerPrefetchMultiplier`, 0 for no limit. `etaLimit`: how many messages that wait for their eta are held besides. `isAhead`: false keeps to the free slots (`workerDisablePrefetch`). */
  constructor(options: { readonly multiplier: number; readonly etaLimit: number; readonly isAhead?: boolean }) {
    this.#multiplier = options.multiplier;
    this.#etaLimit = options.etaLimit;
    this.#isAhead = options.isAhead ?? true;
  }

  /** A task ended; its runtime tells what to expect of the next ones. */
  ended(runtimeMs: number, slots: number): void {
    if (!this.#isAhead) return;
    this.#ahead = runtimeMs < SHORT_MS ? Math.min(this.#ahead + 1, this.limit(slots)) : Math.floor(this.#ahead / 2);
  }

  /** The most that `window` reaches, without what waits for its eta. */
  limit(slots: number): number {
    return this.#multiplier <= 0 ? MOST : Math.min(MOST, Math.max(1, Math.floor(slots * this.#multiplier)));
  }

  window(inHand: InHand, slots: number): number {
    const wanted = inHand.runningLate + inHand.limited + inHand.room + this.#growth(slots);
    return Math.min(MOST, Math.min(this.limit(slots), wanted) + Math.min(inHand.scheduled, this.#etaLimit));
  }

  /** In steps that double: on AMQP each change is a frame to the broker, and one after every task would cost more than the task. */
  #growth(slots: number): number {
    if (this.#ahead === 0 || this.#ahead >= this.limit(slots)) return this.#ahead;
    return 2 ** Math.floor(Math.log2(this.#ahead));
  }
}
