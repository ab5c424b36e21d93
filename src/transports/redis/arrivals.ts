import type { RedisConnection } from '../../clients/redis.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type Deferred, deferred } from '../../kernel/deferred.ts';
import type { Logger } from '../../kernel/logger.ts';
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
  readonly log: Logger;
}

/**
 * What blocking takes have brought. It is safe in its taken list, which every sweep looks into, so it is recorded as held only when it takes a while:
 * who waits for messages mostly gets one that is done with at once, and that is then only removed.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #unrecorded = new Set<Reservation>();
  /** Their records are on the way. */
  readonly #recording = new Set<Reservation>();
  /** Acked before it was known that they are recorded. */
  readonly #acked = new WeakSet<Reservation>();
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
  record(reservation: Reservation, isGoingOn = false): void {
    if (!isGoingOn) this.#recording.delete(reservation);
    if (!this.#unrecorded.delete(reservation) && reservation.id.startsWith(this.#options.tagPrefix)) return;
    const arrival = standing.get(reservation);
    if (arrival === undefined) return;
    const { connection, keys, clock } = this.#options;
    const args = [clock.now() / 1000, reservation.id, arrival.envelope, recordSuffix(arrival.queue)];
    // In order, for the ack may follow at once. A loss of the connection is told by `closed`; the next store of this owner records it then.
    if (isGoingOn) this.#recording.add(reservation);
    connection.runInOrder(scripts.hold, [keys.unacked, keys.unackedIndex, arrival.taken], args).then(
      () => {
        this.#recording.delete(reservation);
        standing.delete(reservation);
      },
      (error: unknown) => this.#refused(reservation, arrival, error),
    );
  }

  /** Its taken list stays its record, and its ack removes it from there, as if it had come just now; what has another end goes back with the next sweeps. */
  #refused(reservation: Reservation, { queue, taken, envelope }: Arrival, error: unknown): void {
    const { log, connection } = this.#options;
    // Refused for good or in passing, on a connection that lives: no next store will come to record it.
    if (connection.isClosed) return;
    const isGoingOn = this.#recording.delete(reservation);
    if (isGoingOn) this.#unrecorded.add(reservation);
    log.error(`a message of queue "${queue}" cannot be recorded as held: ${(error as Error).message}. It is kept in ${taken}`);
    // Acked in the meantime, by a record that there is not. Where this fails, too, it stays in its list, and comes again as one that was not acked.
    if (this.#acked.delete(reservation)) connection.call('LREM', taken, -1, envelope).catch(() => undefined);
  }

  recordAll(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    for (const reservation of this.#unrecorded) this.record(reservation, true);
  }

  /** Whether this stands in a taken list because somebody works on it. */
  holds(taken: string, envelope: Buffer): boolean {
    for (const reservation of [...this.#unrecorded, ...this.#recording]) {
      const arrival = standing.get(reservation);
      if (arrival?.taken === taken && arrival.envelope.equals(envelope)) return true;
    }
    return false;
  }

  /** The ack of what was not recorded; undefined when it was. */
  remove(reservation: Reservation): Promise<void> | undefined {
    if (!this.#unrecorded.delete(reservation)) {
      this.#recording.delete(reservation);
      if (standing.has(reservation)) this.#acked.add(reservation);
      return undefined;
    }
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
