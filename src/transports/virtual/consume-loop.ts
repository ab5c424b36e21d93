import type { Hold, Holds } from './holds.ts';
import type { QueueStore, Reservation } from './queue-store.ts';

/** How long one wait for messages lasts before the store is asked anew: a connection that died without a sign is noticed then. */
const WAIT_MS = 5000;
/** What one take may bring at most: more gains nothing (performance.md 3). */
const MAX_BATCH = 200;

export interface ConsumeLoopOptions {
  readonly store: QueueStore;
  readonly holds: Holds;
  /** A message of a queue that is being consumed; called synchronously, in the order of taking. */
  readonly onHold: (hold: Hold) => void;
  readonly onError: (error: unknown) => void;
}

/** Takes messages from all queues of a channel, one take in flight at a time. */
export class ConsumeLoop {
  readonly #options: ConsumeLoopOptions;
  /** In the order in which they are served; the one just served goes last. */
  #queues: readonly string[] = [];
  #prefetch = 1000;
  #held = 0;
  #take: Promise<void> | undefined;
  /** Of the take in flight; the next one's too, unless it was used. */
  #abort = new AbortController();
  #isPumpPlanned = false;
  #isClosed = false;

  constructor(options: ConsumeLoopOptions) {
    this.#options = options;
  }

  setQueues(names: readonly string[]): void {
    const kept = this.#queues.filter((queue) => names.includes(queue));
    const added = names.filter((queue) => !this.#queues.includes(queue));
    if (added.length === 0 && kept.length === this.#queues.length) return;
    this.#queues = [...kept, ...added];
    this.#restart();
  }

  setPrefetch(count: number): void {
    this.#prefetch = count;
    if (this.#room() > 0) this.#pump();
    else this.#abortTake();
  }

  /** A message has left our hands. The next take is planned before its ending is given to the store, so that the two travel together. */
  release(): void {
    this.#held -= 1;
    this.#planPump();
  }

  /** Resolves when no take is in flight any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#abortTake();
    await this.#take;
  }

  #room(): number {
    return this.#prefetch - this.#held;
  }

  /** Ends the wait that goes on for the old list; the next one begins when it has answered. */
  #restart(): void {
    if (this.#take === undefined) this.#pump();
    else this.#abortTake();
  }

  #abortTake(): void {
    if (this.#take !== undefined) this.#abort.abort();
  }

  #planPump(): void {
    if (this.#isPumpPlanned || this.#take !== undefined) return;
    this.#isPumpPlanned = true;
    setImmediate(() => {
      this.#isPumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    const room = this.#room();
    if (this.#isClosed || this.#take !== undefined || this.#queues.length === 0 || room <= 0) return;
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
    // Half of the prefetch at most, so that the next take is under way while this one is worked on.
    const max = Math.min(room, MAX_BATCH, Math.max(1, Math.ceil(this.#prefetch / 2)));
    this.#take = this.#options.store.reserve(this.#queues, { max, waitMs: WAIT_MS, signal: this.#abort.signal }).then(
      (batch) => this.#arrived(batch),
      (error: unknown) => {
        this.#take = undefined;
        if (!this.#isClosed) this.#options.onError(error);
      },
    );
  }

  #arrived(batch: Reservation[]): void {
    this.#take = undefined;
    const holds = batch.map((reservation) => this.#options.holds.add(reservation));
    if (this.#isClosed) return this.#giveBack(holds);
    this.#held += batch.length;
    const served = batch.at(-1)?.queue;
    if (served !== undefined && this.#queues.length > 1 && this.#queues.includes(served)) {
      this.#queues = [...this.#queues.filter((queue) => queue !== served), served];
    }
    // Where many wait, the next take is under way while these are worked on. One that came alone is answered first: somebody waits for that, and for no other.
    if (batch.length > 1) this.#pump();
    else this.#planPump();
    for (const hold of holds) this.#options.onHold(hold);
  }

  #giveBack(holds: readonly Hold[]): void {
    for (const hold of holds) this.#options.holds.end(hold, 'return', this.#options.store).catch(this.#options.onError);
  }
}
