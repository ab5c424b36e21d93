import type { RedisConnection } from '../../clients/redis.ts';
import { type Deferred, deferred } from '../../kernel/deferred.ts';
import type { Verdict } from '../transport.ts';
import type { Reservation } from '../virtual/queue-store.ts';
import { RedisKeys } from './keys.ts';
import { markRedelivered, recordSuffix } from './record.ts';
import * as scripts from './scripts.ts';

/** The newest dead letters of a queue that are kept. */
const DEAD_KEPT = 10_000;
/** As many tags as Lua surely hands to one command. */
const MAX_TAGS = 1000;

/** What happens to a hold: a verdict, or the moment until which it is parked. */
type Ending = Exclude<Verdict, 'ack'> | number;

interface Ended {
  readonly reservation: Reservation;
  readonly ending: Ending;
}

export interface SettlementsOptions {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly visibilityTimeoutMs: number;
  /** Messages have gone back to lists, which our own connection's tracking does not tell. */
  readonly onReturned: () => void;
}

interface Acks {
  readonly tags: string[];
  readonly done: Deferred<void>;
}

/** Ends holds, a batch a tick: acks go with the next take if there is one in this tick, else alone. */
export class Settlements {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #options: SettlementsOptions;
  #acks: Acks[] = [];
  #others: Ended[] = [];
  #othersDone: Deferred<void> | undefined;
  #isPlanned = false;

  constructor(options: SettlementsOptions) {
    this.#options = options;
    this.#connection = options.connection;
    this.#keys = options.keys;
  }

  settle(reservation: Reservation, verdict: Verdict): Promise<void> {
    if (verdict !== 'ack') return this.#end({ reservation, ending: verdict });
    this.#plan();
    let acks = this.#acks.at(-1);
    if (acks === undefined || acks.tags.length >= MAX_TAGS) this.#acks.push((acks = { tags: [], done: deferred() }));
    acks.tags.push(reservation.id);
    return acks.done.promise;
  }

  park(reservation: Reservation, untilMs: number): Promise<void> {
    return this.#end({ reservation, ending: untilMs });
  }

  /** The acks that a take carries along; whoever asks settles `done`. */
  travelling(): Acks | undefined {
    return this.#acks.shift();
  }

  /** Everything that was given to us so far has been answered. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.#sendAcks(), this.#sendOthers()]);
  }

  #end(ended: Ended): Promise<void> {
    this.#plan();
    this.#others.push(ended);
    this.#othersDone ??= deferred();
    return this.#othersDone.promise;
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      // Failures reach those who wait for the promises of `settle`.
      void this.flush();
    });
  }

  #sendAcks(): readonly Promise<void>[] {
    const all = this.#acks;
    this.#acks = [];
    for (const { tags, done } of all) {
      this.#connection.run(scripts.acknowledge, [this.#keys.unacked, this.#keys.unackedIndex], tags).then(() => done.resolve(), done.reject);
    }
    return all.map(({ done }) => done.promise);
  }

  async #sendOthers(): Promise<void> {
    const done = this.#othersDone;
    if (done === undefined) return;
    const others = this.#others;
    this.#others = [];
    this.#othersDone = undefined;
    try {
      for (let i = 0; i < others.length; i += MAX_TAGS) await this.#move(others.slice(i, i + MAX_TAGS));
      done.resolve();
    } catch (error) {
      done.reject(error);
    }
  }

  async #move(others: readonly Ended[]): Promise<void> {
    const of = (verdict: Ending): Reservation[] => others.filter((other) => other.ending === verdict).map((other) => other.reservation);
    const buried = new Map<string, Reservation[]>();
    for (const reservation of of('dead')) buried.set(reservation.queue, [...(buried.get(reservation.queue) ?? []), reservation]);
    // The last taken goes back first, so that the first taken is the next to be taken again.
    const returned = of('return').toSorted((a, b) => numberOf(b.id) - numberOf(a.id));
    await Promise.all([
      ...[...buried].map(([queue, reservations]) => this.#bury(queue, reservations)),
      this.#park(others),
      this.#giveBack(of('requeue'), 'LPUSH'),
      this.#giveBack(returned, 'RPUSH'),
    ]);
  }

  async #bury(queue: string, reservations: readonly Reservation[]): Promise<void> {
    const end = Buffer.byteLength(recordSuffix(queue));
    const keys = [this.#keys.unacked, this.#keys.unackedIndex, this.#keys.dead(queue)];
    await this.#connection.run(scripts.bury, keys, [DEAD_KEPT, end, ...reservations.map(({ id }) => id)]);
  }

  /** In nobody's hands until due: then any worker of ours puts it back, and if there is none, kombu's sweep, for which it is as old as the visibility timeout at that moment. */
  async #park(others: readonly Ended[]): Promise<void> {
    const args = others.flatMap(({ reservation: { id, message }, ending }) => {
      if (typeof ending !== 'number') return [];
      const task = message.headers['id'] ?? message.properties.correlationId ?? 'unknown';
      const tag = `${RedisKeys.parked}${String(task)}/${id.slice(id.lastIndexOf('/', id.lastIndexOf('/') - 1) + 1)}`;
      return [id, tag, (ending - this.#options.visibilityTimeoutMs) / 1000, ending / 1000];
    });
    if (args.length > 0) await this.#connection.run(scripts.park, [this.#keys.unacked, this.#keys.unackedIndex, this.#keys.eta], args);
  }

  /** The text comes from the store once more, since what we have read of it may not be all that is in it. */
  async #giveBack(reservations: readonly Reservation[], push: 'LPUSH' | 'RPUSH'): Promise<void> {
    if (reservations.length === 0) return;
    const records = (await this.#connection.callBytes('HMGET', this.#keys.unacked, ...reservations.map(({ id }) => id))) as readonly (Buffer | null)[];
    const lists = new Map<string, (string | Buffer)[]>();
    for (const [i, { id, queue, message }] of reservations.entries()) {
      const record = records[i];
      // No longer ours: somebody has put it back already.
      if (record === null || record === undefined) continue;
      const list = this.#keys.list(queue, message.properties.priority);
      lists.set(list, [...(lists.get(list) ?? []), id, marked(record.subarray(1, record.length - Buffer.byteLength(recordSuffix(queue))))]);
    }
    await Promise.all(
      [...lists].map(([list, pairs]) => this.#connection.run(scripts.giveBack, [this.#keys.unacked, this.#keys.unackedIndex, list], [push, ...pairs])),
    );
    this.#options.onReturned();
  }
}

/** Marked as redelivered if it can be; else the very bytes. */
export function marked(envelope: Buffer): string | Buffer {
  const text = envelope.toString();
  const marked = markRedelivered(text);
  return marked === text ? envelope : marked;
}

/** The number at the end of a tag tells the order of taking. */
const numberOf = (tag: string): number => Number(tag.slice(tag.lastIndexOf('/') + 1));
