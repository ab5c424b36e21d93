import type { RedisConnection } from '../../clients/redis.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type Deferred, deferred } from '../../kernel/deferred.ts';
import type { Reservation } from '../virtual/queue-store.ts';
import type { RedisKeys } from './keys.ts';
import { recordSuffix } from './record.ts';
import * as scripts from './scripts.ts';

/** What is done with before this needs no record among the held. */
const RECORD_AFTER_MS = 5;

/** A message that a blocking take has moved to its taken list. */
export interface Arrival {
  readonly queue: string;
  readonly taken: string;
  readonly envelope: Buffer;
}

/** What was handed out and still stands in its taken list, as far as we know; over the stores of an owner that follow one another. */
const standing = new WeakMap<Reservation, Arrival>();

export interface ArrivalsOptions {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly tagPrefix: string;
  readonly clock: Clock;
}

/**
 * What blocking takes have brought. It is safe in its taken list, which every sweep looks into, so it is recorded as held only when it takes a while:
 * who waits for messages mostly gets one that is done with at once, and that is then only removed.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #unrecorded = new Set<Reservation>();
  #removed: Reservation[] = [];
  #removal: Deferred<void> | undefined;
  #timer: Disposable | undefined;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  add(reservation: Reservation, arrival: Arrival): void {
    standing.set(reservation, arrival);
    this.#unrecorded.add(reservation);
    this.#timer ??= this.#options.clock.schedule(RECORD_AFTER_MS, () => this.recordAll(), { background: true });
  }

  /** Before anything but an ack is done with it. What came by an earlier connection was perhaps never recorded. */
  record(reservation: Reservation): void {
    if (!this.#unrecorded.delete(reservation) && reservation.id.startsWith(this.#options.tagPrefix)) return;
    const arrival = standing.get(reservation);
    if (arrival === undefined) return;
    const { connection, keys, clock } = this.#options;
    const args = [clock.now() / 1000, reservation.id, arrival.envelope, recordSuffix(arrival.queue)];
    // In order, for the ack may follow at once. A loss of the connection is told by `closed`; the next store of this owner records it then.
    connection.runInOrder(scripts.hold, [keys.unacked, keys.unackedIndex, arrival.taken], args).then(
      () => standing.delete(reservation),
      () => undefined,
    );
  }

  recordAll(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    for (const reservation of this.#unrecorded) this.record(reservation);
  }

  /** The ack of what was not recorded; undefined when it was. */
  remove(reservation: Reservation): Promise<void> | undefined {
    if (!this.#unrecorded.delete(reservation)) return undefined;
    this.#removed.push(reservation);
    if (this.#removal === undefined) {
      this.#removal = deferred();
      setImmediate(() => void this.flush());
    }
    return this.#removal.promise;
  }

  /** All acks that were given so far have been answered. */
  async flush(): Promise<void> {
    const removal = this.#removal;
    const removed = this.#removed;
    this.#removal = undefined;
    this.#removed = [];
    await Promise.all(removed.map((reservation) => this.#remove(reservation))).then(() => removal?.resolve(), removal?.reject);
  }

  async #remove(reservation: Reservation): Promise<void> {
    const { taken, envelope } = standing.get(reservation)!;
    await this.#options.connection.call('LREM', taken, -1, envelope);
    standing.delete(reservation);
  }
}
