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

  adjust(other: number): number {
    return (this.#value = Math.max(this.#value, other) + 1);
  }
}
