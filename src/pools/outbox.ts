/** Entries of one tick leave together, or sooner when there are many. */
const MOST_AT_ONCE = 500;

type Send<T> = (batch: readonly T[], sent?: () => void) => void;

/** Gathers messages for one channel and sends them as one. */
export class Outbox<T> {
  readonly #send: Send<T>;
  readonly #refused: (message: T, error: unknown) => T | undefined;
  #batch: T[] = [];
  #isScheduled = false;

  /** `refused` is called with a message for which `send` throws (one that the channel cannot carry); what it gives is sent instead. */
  constructor(send: Send<T>, refused: (message: T, error: unknown) => T | undefined) {
    this.#send = send;
    this.#refused = refused;
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
    try {
      this.#send(batch, sent);
    } catch {
      this.#sendOneByOne(batch);
      // Nothing, but behind all of them: when it has left, so have they.
      if (sent !== undefined) this.#send([], sent);
    }
  }

  /** One that cannot travel must not take its neighbours with it. */
  #sendOneByOne(batch: readonly T[]): void {
    for (const message of batch) {
      try {
        this.#send([message]);
      } catch (error) {
        const instead = this.#refused(message, error);
        if (instead !== undefined) this.#send([instead]);
      }
    }
  }
}
