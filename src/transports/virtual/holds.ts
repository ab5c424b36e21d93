import { OperationalError } from '../../errors.ts';
import { type Deferred, deferred } from '../../kernel/deferred.ts';
import { type Linked, LinkedSet } from '../../kernel/linked-set.ts';
import type { Verdict } from '../transport.ts';
import type { QueueStore, Reservation } from './queue-store.ts';

/** Where a held message goes: a verdict, or out of sight until a moment. */
export type Ending = Verdict | { readonly parkUntilMs: number };

/** A message in our hands, from its taking until the store knows how it ended. */
export class Hold implements Linked<Hold> {
  readonly reservation: Reservation;
  ending: Ending | undefined;
  in: LinkedSet<Hold> | undefined;
  before: Hold | undefined;
  after: Hold | undefined;

  constructor(reservation: Reservation) {
    this.reservation = reservation;
  }
}

/** Endings that a store answers with one promise. */
interface Batch {
  readonly answer: Promise<void>;
  readonly done: Promise<void>;
  readonly holds: Hold[];
}

const DONE: Promise<void> = Promise.resolve();
const NOTHING: Promise<number> = Promise.resolve(0);

/**
 * All that one owner holds, over the connections that follow one another. An ending that a lost connection left undone waits for the next.
 * Bounded by what was handed out: each hold has one ending.
 */
export class Holds {
  readonly #held = new LinkedSet<Hold>();
  /** Given to a store that has not answered yet, or waiting for a store. */
  readonly #ending = new LinkedSet<Hold>();
  /** How the connection of each is ended. */
  readonly #stores = new Map<QueueStore, (reason: Error) => void>();
  /** Those of the stores that take, or are about to. */
  readonly #takers = new Set<QueueStore>();
  #reconciled: Promise<number> = NOTHING;
  #waiting: Hold[] = [];
  #served: Deferred<void> | undefined;
  #batch: Batch | undefined;

  get isConnected(): boolean {
    return this.#stores.size > 0;
  }

  /** Something is held, and no store that takes is there to keep its lease. */
  get isUnguarded(): boolean {
    return this.#takers.size === 0 && this.#held.size + this.#ending.size > 0;
  }

  /** The ids of all that is held or being settled. */
  knownIds(): ReadonlySet<string> {
    return new Set(this.#known().map(({ id }) => id));
  }

  add(reservation: Reservation): Hold {
    const hold = new Hold(reservation);
    this.#held.add(hold);
    return hold;
  }

  /** Ends a hold. What is no longer ours, or has ended already, is left alone. */
  end(hold: Hold, ending: Ending, preferred: QueueStore): Promise<void> {
    if (!this.#held.has(hold)) return DONE;
    hold.ending = ending;
    this.#ending.add(hold);
    return this.#stores.has(preferred) ? this.#give(hold, preferred) : this.#giveToAny([hold]);
  }

  /** A connection is there: what waited is done. `fail` ends it, for a reason. */
  attach(store: QueueStore, fail: (reason: Error) => void): void {
    this.#stores.set(store, fail);
    const waiting = this.#waiting;
    const served = this.#served;
    this.#waiting = [];
    this.#served = undefined;
    if (served !== undefined) this.#giveToAny(waiting).then(served.resolve, served.reject);
  }

  /**
   * Before a store takes for the first time. If no other one takes, whatever is held without our knowing was taken by one that is gone, and goes back; how many.
   * Stores that never take (a producer's) neither do this nor stand in the way of it.
   */
  async beginTaking(store: QueueStore): Promise<number> {
    const isFirst = this.#takers.size === 0;
    this.#takers.add(store);
    if (isFirst) {
      this.#reconciled = store.reconcile?.(this.knownIds(), this.#known()) ?? NOTHING;
      return this.#reconciled;
    }
    // Nothing is taken while somebody looks, for the look would not know of it.
    await this.#reconciled.catch(() => undefined);
    return 0;
  }

  detach(store: QueueStore): void {
    this.#stores.delete(store);
    this.#takers.delete(store);
  }

  /** Before the last connection closes: whatever nobody has settled goes back to the others, first come first. */
  async returnAll(store: QueueStore): Promise<void> {
    await Promise.all([...this.#held].map((hold) => this.end(hold, 'return', store)));
  }

  /** Peers have put everything back: nothing is ours any more, and nothing is left to be done about it. */
  forget(): void {
    this.#held.clear();
    this.#ending.clear();
    this.#waiting = [];
    this.#batch = undefined;
    this.#served?.resolve();
    this.#served = undefined;
  }

  /** No connection will follow: what waited fails, for those who still want to know. */
  abandon(): void {
    const error = new OperationalError(
      `the connection was closed before ${this.#waiting.length} messages could be settled; their lease will lapse, and they come again`,
    );
    this.#served?.promise.catch(() => undefined);
    this.#served?.reject(error);
    this.#served = undefined;
    this.#waiting = [];
    this.#held.clear();
    this.#ending.clear();
  }

  /** One `then` for all that share a promise: between socket and task no promise is made for each message. */
  #give(hold: Hold, store: QueueStore): Promise<void> {
    const answer = this.#ask(hold, store);
    if (this.#batch?.answer !== answer) {
      const holds: Hold[] = [];
      const done = answer.then(
        () => this.#forgetAll(holds),
        (error: unknown) => this.#failed(holds, store, error),
      );
      this.#batch = { answer, done, holds };
    }
    this.#batch.holds.push(hold);
    return this.#batch.done;
  }

  #ask({ reservation, ending }: Hold, store: QueueStore): Promise<void> {
    if (typeof ending !== 'object') return store.settle(reservation, ending!);
    return store.park === undefined ? store.settle(reservation, 'return') : store.park(reservation, ending.parkUntilMs);
  }

  #known(): readonly Reservation[] {
    return [...this.#held, ...this.#ending].map(({ reservation }) => reservation);
  }

  #forgetAll(holds: readonly Hold[]): void {
    for (const hold of holds) this.#ending.delete(hold);
  }

  /** A store that went away may have done it or not: doing it again under another connection harms nothing. */
  #failed(holds: readonly Hold[], store: QueueStore, error: unknown): Promise<void> {
    // After `forget` these are no longer ours.
    const ours = holds.filter((hold) => this.#ending.has(hold));
    if (ours.length === 0) return DONE;
    if (error instanceof OperationalError) {
      // Its server may live and only refuse for a while: then no other connection would come, were this one not ended.
      const fail = this.#stores.get(store);
      this.detach(store);
      fail?.(error);
      return this.#giveToAny(ours);
    }
    this.#forgetAll(ours);
    throw error;
  }

  /** To the newest store that is attached; if there is none, to the next. */
  #giveToAny(holds: readonly Hold[]): Promise<void> {
    const store = [...this.#stores.keys()].at(-1);
    if (store === undefined) return this.#wait(holds);
    return Promise.all(new Set(holds.map((hold) => this.#give(hold, store)))).then(() => undefined);
  }

  #wait(holds: readonly Hold[]): Promise<void> {
    this.#waiting.push(...holds);
    this.#served ??= deferred();
    return this.#served.promise;
  }
}
