import type { RedisConnection } from '../../clients/redis.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Arrival } from './arrivals.ts';
import { BlockingList } from './blocking-list.ts';
import type { StoreConnections } from './connections.ts';
import { Doorbell } from './doorbell.ts';
import type { RedisKeys } from './keys.ts';
import type { Lease } from './lease.ts';
import * as scripts from './scripts.ts';

/** More base lists than this are waited for by client tracking, as are all lists of higher steps. */
const MAX_BLOCKING = 8;

export interface WaitingOptions {
  readonly connections: StoreConnections;
  readonly keys: RedisKeys;
  readonly lease: Lease;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** See BlockingListOptions. */
  readonly beforeWait: (connection: RedisConnection) => void;
}

/**
 * Waits for messages (performance.md 7): one blocking connection for each base list, so that exactly one worker wakes, and client tracking for the other lists.
 * Who waits takes a seat; a blocking take that nobody has a seat for is cancelled, and what it brought goes back.
 */
export class Waiting implements AsyncDisposable {
  readonly #options: WaitingOptions;
  readonly #doorbell: Doorbell;
  readonly #lists = new Map<string, BlockingList>();
  readonly #seats = new Set<Seat>();
  /** Whose taken lists stand in the list of workers, for as long as this store lives. */
  readonly #takenQueues = new Set<string>();
  /** Queues that were looked into in vain while everything was armed, and none of which has rung since: there is nothing to look for. */
  readonly #quiet = new Set<string>();
  #arrived: Arrival[] = [];
  #isReleasePlanned = false;
  #preparing: Promise<void> = Promise.resolve();

  constructor(options: WaitingOptions) {
    this.#options = options;
    this.#doorbell = new Doorbell({ ...options, onRing: (list) => this.ring(list) });
  }

  sit(queues: readonly string[]): Seat {
    const seat: Seat = new Seat({
      queues: new Set(queues),
      clock: this.#options.clock,
      collect: () => this.#collect(seat),
      block: () => this.#block(queues),
      isQuiet: () => queues.every((queue) => this.#quiet.has(queue)),
      foundNothing: () => {
        if (this.#doorbell.lookEveryMs === undefined) for (const queue of queues) this.#quiet.add(queue);
      },
      leave: () => {
        this.#seats.delete(seat);
        this.#planRelease();
      },
    });
    this.#seats.add(seat);
    return seat;
  }

  /** Whether a look into these queues arms everything that is needed to wait. */
  isPrepared(queues: readonly string[]): boolean {
    if (!this.#doorbell.isReady) return false;
    // Which of many queues come first changes with each take: what no connection is left for is armed by the look itself.
    return queues.slice(0, MAX_BLOCKING).every((queue) => this.#lists.has(queue)) || (this.#lists.size >= MAX_BLOCKING && this.#idleList() === undefined);
  }

  /** One at a time: two seats may want the same list. */
  prepare(queues: readonly string[]): Promise<void> {
    this.#preparing = this.#preparing
      .catch(() => undefined)
      .then(async () => {
        await this.#doorbell.prepare();
        for (const queue of queues.slice(0, MAX_BLOCKING)) if (!this.#lists.has(queue)) await this.#openList(queue);
      });
    return this.#preparing;
  }

  isBlocking(queue: string): boolean {
    return this.#lists.has(queue);
  }

  /** A list has changed; undefined: any may have. Also for what we put into lists ourselves, of which the server does not tell us. */
  ring(list?: string): void {
    this.doubt();
    for (const seat of this.#seats) seat.ring(list);
  }

  /** There may be something without our having been told. */
  doubt(): void {
    this.#quiet.clear();
  }

  /** Whether this stands in a taken list because nobody has collected it yet. */
  holds(taken: string, envelope: Buffer): boolean {
    return this.#arrived.some((arrival) => arrival.taken === taken && arrival.envelope.equals(envelope));
  }

  get takenQueues(): readonly string[] {
    return [...this.#takenQueues];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#preparing.catch(() => undefined);
    await this.#releaseUnwanted();
  }

  async #openList(queue: string): Promise<void> {
    const { connections, keys, lease, owner, beforeWait } = this.#options;
    if (this.#lists.size >= MAX_BLOCKING) {
      const idle = this.#idleList();
      // All are in use: tracking does for this one.
      if (idle === undefined) return;
      this.#lists.delete(idle.queue);
      // Nothing would tell of it any more.
      this.#quiet.delete(idle.queue);
      await idle.close();
    }
    await lease.registerTaken(queue);
    this.#takenQueues.add(queue);
    const list = await BlockingList.open({
      queue,
      list: keys.list(queue, 0),
      taken: keys.taken(queue, owner),
      connection: await connections.blocking(),
      onMessage: ({ taken }, envelope) => this.#onMessage({ queue, taken, envelope }),
      onBacklog: () => this.doubt(),
      beforeWait,
    });
    this.#lists.set(queue, list);
  }

  #idleList(): BlockingList | undefined {
    return [...this.#lists.values()].find((list) => !list.isBlocked && !this.#isSeated(list.queue));
  }

  #block(queues: readonly string[]): number | undefined {
    for (const queue of queues) this.#lists.get(queue)?.block();
    return this.#doorbell.lookEveryMs;
  }

  #onMessage(arrival: Arrival): void {
    this.#arrived.push(arrival);
    const seat = [...this.#seats].find(({ queues }) => queues.has(arrival.queue));
    if (seat === undefined) this.#planRelease();
    else seat.wake();
  }

  #collect(seat: Seat): readonly Arrival[] {
    if (this.#arrived.length === 0) return [];
    const collected = this.#arrived.filter(({ queue }) => seat.queues.has(queue));
    this.#arrived = this.#arrived.filter(({ queue }) => !seat.queues.has(queue));
    return collected;
  }

  #isSeated(queue: string): boolean {
    return [...this.#seats].some((seat) => seat.queues.has(queue));
  }

  /** At the end of the tick, for whoever leaves a seat mostly takes the next one at once. */
  #planRelease(): void {
    if (this.#isReleasePlanned) return;
    this.#isReleasePlanned = true;
    setImmediate(() => {
      this.#isReleasePlanned = false;
      // A lost connection is told by its own `closed`.
      this.#releaseUnwanted().catch(() => undefined);
    });
  }

  async #releaseUnwanted(): Promise<void> {
    const command = this.#options.connections.command;
    const unwanted = [...this.#lists.values()].filter((list) => list.isBlocked && !this.#isSeated(list.queue));
    await Promise.all(unwanted.map((list) => list.release(command)));
    const back = this.#arrived.filter(({ queue }) => !this.#isSeated(queue));
    this.#arrived = this.#arrived.filter(({ queue }) => this.#isSeated(queue));
    for (const { queue, taken, envelope } of back) {
      await command.run(scripts.putBack, [taken, this.#options.keys.list(queue, 0)], [envelope, envelope]);
    }
  }
}

interface SeatOptions {
  readonly queues: ReadonlySet<string>;
  readonly clock: Clock;
  readonly collect: () => readonly Arrival[];
  /** Gives the ms after which to look again, where nothing tells us. */
  readonly block: () => number | undefined;
  readonly isQuiet: () => boolean;
  readonly foundNothing: () => void;
  readonly leave: () => void;
}

/** One who takes messages, for as long as that goes on. */
export class Seat implements Disposable {
  readonly queues: ReadonlySet<string>;
  readonly #options: SeatOptions;
  /** Undefined, before the first look: any list. */
  #watched: ReadonlySet<string> | undefined;
  #hasRung = false;
  #hasArrived = false;
  #wake: (() => void) | undefined;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.queues = options.queues;
  }

  /** What blocking takes have brought for us. */
  collect(): readonly Arrival[] {
    this.#hasArrived = false;
    return this.#options.collect();
  }

  /** Whether a look would find nothing: the last one did, and nothing was told since. */
  get isQuiet(): boolean {
    return this.#options.isQuiet();
  }

  /** A look that has armed everything has found nothing. */
  foundNothing(): void {
    if (!this.#hasRung) this.#options.foundNothing();
  }

  /** Before a look into these lists: what rings from now on counts. */
  watch(lists: readonly string[]): void {
    this.#watched = new Set(lists);
    this.#hasRung = false;
  }

  ring(list: string | undefined): void {
    if (list !== undefined && this.#watched?.has(list) === false) return;
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Something has arrived, maybe while nobody was waiting: during a look. */
  wake(): void {
    this.#hasArrived = true;
    this.#wake?.();
  }

  /** Until something has arrived or rung, or time is up. True: it has rung. */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#hasRung || this.#hasArrived || signal.aborted) return this.#hasRung;
    const lookMs = this.#options.block();
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      const timer = this.#options.clock.schedule(Math.min(ms, lookMs ?? Infinity), done);
      signal.addEventListener('abort', done, { once: true });
    });
    return this.#hasRung || lookMs !== undefined;
  }

  [Symbol.dispose](): void {
    this.#options.leave();
  }
}
