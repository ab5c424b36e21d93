import type { Clock } from './clock.ts';

/** Celery's rate limit: `fillRate` tokens a second, at most `capacity` at hand. */
export class TokenBucket {
  readonly fillRate: number;
  readonly capacity: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, fillRate: number, capacity = 1) {
    this.#clock = clock;
    this.fillRate = fillRate;
    this.capacity = capacity;
    this.#tokens = capacity;
    this.#at = clock.monotonic();
  }

  /** Takes a token, if there is one. */
  take(): boolean {
    if (this.#filled() < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until there is a token; 0 now. */
  waitMs(): number {
    const tokens = this.#filled();
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / this.fillRate) * 1000);
  }

  #filled(): number {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.capacity, this.#tokens + ((now - this.#at) / 1000) * this.fillRate);
    this.#at = now;
    return this.#tokens;
  }
}
