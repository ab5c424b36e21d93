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
  readonly #unanswered = new Set<Promise<void>>();
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
      setImmediate(() => this.sendRemovals());
    }
    return this.#removal.promise;
  }

  /** Sends the acks given so far; by a connection that is about to wait, if one is, since they may leave in one write with that. */
  sendRemovals(connection: RedisConnection = this.#options.connection): void {
    const removal = this.#removal;
    if (removal === undefined) return;
    const removed = this.#removed;
    this.#removal = undefined;
    this.#removed = [];
    const answer = Promise.all(removed.map((reservation) => this.#remove(reservation, connection)));
    this.#unanswered.add(removal.promise);
    answer.then(() => removal.resolve(), removal.reject).finally(() => this.#unanswered.delete(removal.promise));
  }

  /** All acks that were given so far have been answered, one way or the other: their failures are told to those who gave them. */
  async flush(): Promise<void> {
    this.sendRemovals();
    if (this.#unanswered.size > 0) await Promise.allSettled(this.#unanswered);
  }

  async #remove(reservation: Reservation, connection: RedisConnection): Promise<void> {
    const { taken, envelope } = standing.get(reservation)!;
    await connection.call('LREM', taken, -1, envelope);
    standing.delete(reservation);
  }
}
