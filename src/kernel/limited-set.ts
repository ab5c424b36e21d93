import type { Clock } from './clock.ts';

/** A set that forgets: the oldest beyond `maxSize`, and whatever is older than `expiresMs`. Celery's revoked set: 50,000 ids, 3 hours. */
export class LimitedSet<T> {
  readonly #addedAt = new Map<T, number>();
  readonly #clock: Clock;
  readonly #maxSize: number;
  readonly #expiresMs: number;

  constructor(options: { readonly clock: Clock; readonly maxSize: number; readonly expiresMs: number }) {
    this.#clock = options.clock;
    this.#maxSize = options.maxSize;
    this.#expiresMs = options.expiresMs;
  }

  get size(): number {
    this.#purge();
    return this.#addedAt.size;
  }

  add(item: T): void {
    this.#addedAt.delete(item);
    this.#addedAt.set(item, this.#clock.monotonic());
    this.#purge();
  }

  has(item: T): boolean {
    const addedAt = this.#addedAt.get(item);
    return addedAt !== undefined && addedAt > this.#clock.monotonic() - this.#expiresMs;
  }

  delete(item: T): boolean {
    return this.#addedAt.delete(item);
  }

  /** Oldest first. */
  values(): readonly T[] {
    this.#purge();
    return [...this.#addedAt.keys()];
  }

  #purge(): void {
    const oldest = this.#clock.monotonic() - this.#expiresMs;
    for (const [item, addedAt] of this.#addedAt) {
      if (this.#addedAt.size <= this.#maxSize && addedAt > oldest) return;
      this.#addedAt.delete(item);
    }
  }
}
