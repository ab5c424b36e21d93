/** No honest clock comes this far. Beyond 2^53 a step forward would leave it where it is, so nobody may take ours near that. */
const FURTHEST = 2 ** 52;

/** Celery's logical clock: one step before each event or control message sent, and past that of each one received. */
export class LamportClock {
  #value: number;

  constructor(value = 0) {
    this.#value = value;
  }

  get value(): number {
    return this.#value;
  }

  forward(): number {
    return (this.#value += 1);
  }

  /** What a peer says is taken for one only where it can be one. */
  adjust(other: unknown): number {
    const isClock = Number.isSafeInteger(other) && (other as number) < FURTHEST;
    return (this.#value = (isClock ? Math.max(this.#value, other as number) : this.#value) + 1);
  }
}
