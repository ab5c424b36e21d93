/** Entries of one tick leave together, or sooner when there are many. */
const MOST_AT_ONCE = 500;

/** Gathers messages for one channel and sends them as one. */
export class Outbox<T> {
  readonly #send: (batch: readonly T[], sent?: () => void) => void;
  #batch: T[] = [];
  #isScheduled = false;

  constructor(send: (batch: readonly T[], sent?: () => void) => void) {
    this.#send = send;
  }

  /** Leaves at the end of this tick. */
  push(message: T): void {
    this.add(message);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** Leaves with whatever comes next: the caller flushes in time. */
  add(message: T): void {
    this.#batch.push(message);
    if (this.#batch.length >= MOST_AT_ONCE) this.flush();
  }

  /** Sends what is there now; `sent` is called when it has left this process. */
  flush(sent?: () => void): void {
    const batch = this.#batch;
    if (batch.length === 0) return sent?.();
    this.#batch = [];
    this.#send(batch, sent);
  }
}
