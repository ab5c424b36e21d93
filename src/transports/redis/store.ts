import type { RedisConnection } from '../../clients/redis.ts';
import type { Clock } from '../../kernel/clock.ts';
import { empty } from '../../kernel/empty.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import type { ConnectOptions, QueueSpec, Verdict } from '../transport.ts';
import { foreignEnvelope, readEnvelope, type ReadEnvelope, writeEnvelope } from '../virtual/envelope.ts';
import type { Broadcast, PutOptions, QueueStore, Reservation } from '../virtual/queue-store.ts';
import { type Arrival, Arrivals } from './arrivals.ts';
import { RedisBindings } from './bindings.ts';
import { redisBroadcast } from './broadcast.ts';
import { StoreConnections } from './connections.ts';
import { heldBy } from './held.ts';
import { RedisKeys } from './keys.ts';
import { Lease } from './lease.ts';
import { Outbox } from './outbox.ts';
import { Parked } from './parked.ts';
import { recordSuffix } from './record.ts';
import { Recovery } from './recovery.ts';
import { endConnections, leaveBehind, remainsOf } from './remains.ts';
import * as scripts from './scripts.ts';
import { Settlements } from './settlements.ts';
import { DeliveryTags, tagPrefix } from './tags.ts';
import { type Seat, Waiting } from './waiting.ts';

/** More gains nothing, and Lua hands only so many values to a command. */
const MAX_TAKE = 1000;

/** Queues on Redis in kombu's layout, so that Python and we take from the same lists (wire.md 5.3), with holds that no crash loses. */
export class RedisStore implements QueueStore {
  readonly owner: string;
  readonly closed: Promise<Error>;
  readonly bindings: RedisBindings;
  readonly broadcast: Broadcast;
  readonly #connections: StoreConnections;
  readonly #keys: RedisKeys;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #outbox: Outbox;
  readonly #settlements: Settlements;
  readonly #arrivals: Arrivals;
  readonly #lease: Lease;
  readonly #parked: Parked;
  readonly #recovery: Recovery;
  readonly #waiting: Waiting;
  readonly #tagPrefix: string;
  readonly #expires = new Map<string, number>();
  readonly #tags = new DeliveryTags();
  #nextNumber = 1;
  #hasLostRace = false;
  #hasLeft = false;

  constructor(connections: StoreConnections, options: ConnectOptions) {
    const { clock, log, owner } = options;
    const connection = connections.command;
    const keys = new RedisKeys(connections.options);
    this.owner = owner;
    this.closed = connections.closed;
    this.#connections = connections;
    this.#keys = keys;
    this.#clock = clock;
    this.#maxBytes = options.maxMessageBytes;
    this.#tagPrefix = tagPrefix(owner, options.hostname ?? '');
    // The server does not tell a connection of what it did itself.
    this.#outbox = new Outbox(connection, (list) => this.#waiting.ring(list));
    this.bindings = new RedisBindings(connection, keys, (queue) => this.#expires.get(queue));
    this.broadcast = redisBroadcast(connections, keys);
    this.#lease = new Lease({ connection, keys, owner, clock });
    this.#arrivals = new Arrivals({ connection, keys, tagPrefix: this.#tagPrefix, clock, log });
    const beforeWait = (waiting: RedisConnection): void => this.#arrivals.sendRemovals(waiting);
    this.#waiting = new Waiting({ connections, keys, lease: this.#lease, owner, clock, log, beforeWait });
    this.#settlements = new Settlements({
      connection,
      keys,
      visibilityTimeoutMs: connections.options.visibilityTimeoutMs,
      onReturned: () => this.#waiting.ring(),
    });
    void connections.closed.then(() => {
      this.#leaveBehind();
      this.#waiting.doubt();
    });
    this.#parked = new Parked({ connection, keys, clock, log });
    this.#recovery = new Recovery({
      ...{ connection, keys, owner, clock, log, options: connections.options, parked: this.#parked },
      bindingsOf: (exchange) => this.bindings.of(exchange),
      isKnown: (taken, envelope) => this.#waiting.holds(taken, envelope) || this.#arrivals.holds(taken, envelope),
    });
  }

  static async open(options: ConnectOptions): Promise<RedisStore> {
    const connections = await StoreConnections.open(options);
    await endConnections(options.owner, connections.command, options.clock.now());
    return new RedisStore(connections, options);
  }

  createQueue(queue: QueueSpec): Promise<void> {
    const expires = Number(queue.arguments['x-expires']);
    if (expires > 0) this.#expires.set(queue.name, expires);
    return Promise.resolve();
  }

  async deleteQueue(queue: string): Promise<void> {
    this.#expires.delete(queue);
    await this.#connections.command.call('DEL', ...this.#keys.lists(queue));
  }

  put(queue: string, message: WireMessage, options?: PutOptions): Promise<void> {
    const exchange = options?.route?.exchange ?? '';
    const routingKey = options?.route?.routingKey ?? queue;
    const text = writeEnvelope(message, { exchange, routingKey, deliveryTag: this.#tags.next() });
    const ms = this.#expires.get(queue);
    const expiring = ms === undefined ? undefined : { lists: this.#keys.lists(queue), ms };
    const list = this.#keys.list(queue, message.properties.priority);
    return this.#outbox.push(list, text, message.isAscii === true, expiring);
  }

  async reserve(queues: readonly string[], options: { readonly max: number; readonly waitMs: number; readonly signal: AbortSignal }): Promise<Reservation[]> {
    const deadline = this.#clock.monotonic() + options.waitMs;
    await this.#lease.register(this.#connections.options.leaseMs);
    using seat = this.#waiting.sit(queues);
    for (;;) {
      const arrivals = seat.collect();
      if (arrivals.length > 0) return arrivals.map((arrival) => this.#handOut(arrival));
      const isArmed = this.#waiting.isPrepared(queues);
      if (!seat.isQuiet) {
        const batch = await this.#take(queues, Math.min(options.max, MAX_TAKE), seat);
        if (batch.length > 0) return batch;
        if (isArmed) seat.foundNothing();
      }
      const leftMs = deadline - this.#clock.monotonic();
      if (options.signal.aborted || leftMs <= 0) {
        this.#waiting.doubt();
        return [];
      }
      // Only a look after the preparations tells that there is nothing: then a change is told.
      if (!isArmed) await this.#waiting.prepare(queues);
      else await this.#wait(seat, leftMs, options.signal);
    }
  }

  settle(reservation: Reservation, verdict: Verdict): Promise<void> {
    const removed = verdict === 'ack' ? this.#arrivals.remove(reservation) : undefined;
    if (removed !== undefined) return removed;
    this.#arrivals.record(reservation);
    return this.#settlements.settle(reservation, verdict);
  }

  park(reservation: Reservation, untilMs: number): Promise<void> {
    this.#arrivals.record(reservation);
    return this.#settlements.park(reservation, untilMs);
  }

  renew(leaseMs: number): Promise<boolean> {
    return this.#lease.renew(leaseMs);
  }

  reconcile(known: ReadonlySet<string>, reservations: readonly Reservation[] = []): Promise<number> {
    for (const reservation of reservations) this.#arrivals.record(reservation, true);
    return this.#recovery.returnHeld(this.owner, known);
  }

  async returnStrays(known: () => ReadonlySet<string>): Promise<number> {
    const count = await this.#recovery.returnStrays(known);
    if (count > 0) this.#waiting.ring();
    return count;
  }

  async recover(max: number): Promise<number> {
    // A taken list tells what nobody works on only when all acks have reached it, by whichever connection.
    await this.#arrivals.flush();
    await this.bindings.refresh(this.#clock.monotonic(), this.#connections.options.sweepsBindings);
    const queues = new Set([...this.#waiting.takenQueues, ...remainsOf(this.owner, this.#clock.now()).flatMap(({ takenQueues }) => takenQueues)]);
    const count = (await this.#recovery.recover(max)) + (await this.#recovery.sweepTaken([...queues]));
    if (count > 0) this.#waiting.ring();
    return count;
  }

  async recall(taskIds: readonly string[]): Promise<number> {
    const count = await this.#parked.recall(taskIds);
    if (count > 0) this.#waiting.ring();
    return count;
  }

  async size(queue: string): Promise<number> {
    const lengths = await this.#connections.command.pipeline(this.#keys.lists(queue).map((list) => ['LLEN', list] as const));
    return lengths.reduce<number>((sum, length) => sum + Number(length), 0);
  }

  async purge(queue: string): Promise<number> {
    return Number(await this.#connections.command.run(scripts.purge, this.#keys.lists(queue), []));
  }

  /** What is still held stays held; it comes back when the lease lapses, or is found by the next store of this owner. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#connections.command.isClosed) await this.#leave().catch(() => this.#leaveBehind());
    this.#lease[Symbol.dispose]();
    await this.#connections[Symbol.asyncDispose]();
  }

  /** Nobody will hear what the server still does for us: the next store of this owner looks after it. */
  #leaveBehind(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const { peers } = this.#connections;
    leaveBehind(this.owner, { tagPrefix: this.#tagPrefix, takenQueues: this.#waiting.takenQueues, connections: [...peers], lostAtMs: this.#clock.now() });
  }

  async #leave(): Promise<void> {
    await this.#waiting[Symbol.asyncDispose]();
    this.#arrivals.recordAll();
    await Promise.all([this.#arrivals.flush(), this.#settlements.flush()]);
    if (!this.#lease.hasTaken) return;
    // Into our own lists the server may have moved what no answer told us of.
    await this.#recovery.emptyTaken(this.owner, this.#waiting.takenQueues);
    const held = this.#lease.isShared ? [] : await heldBy(this.#connections.command, this.#keys, this.owner);
    if (held.length === 0) await this.#lease.release(this.#waiting.takenQueues);
  }

  /** One script takes, holds, and acknowledges what was done with since the last. */
  async #take(queues: readonly string[], max: number, seat: Seat): Promise<Reservation[]> {
    const { lists, owners, suffixes, armed, hidden } = this.#layout(queues);
    seat.watch(lists.filter((_, i) => armed[i] === '1'));
    const first = this.#nextNumber;
    this.#nextNumber += max;
    const acks = this.#settlements.travelling();
    const keys = [
      this.#keys.worker(this.owner),
      this.#keys.unacked,
      this.#keys.unackedIndex,
      ...lists.map((list, i) => (armed[i] === '2' ? this.#keys.unacked : list)),
    ];
    const args = [this.#clock.now() / 1000, max, this.#maxBytes, this.#tagPrefix, first, lists.length, armed, ...suffixes, ...hidden, ...(acks?.tags ?? [])];
    const taken = this.#connections.command.run(scripts.take, keys, args) as Promise<string[] | null>;
    if (acks !== undefined) taken.then(() => acks.done.resolve(), acks.done.reject);
    // First where they come from (list:count, …), then the envelopes.
    const reply = (await taken) ?? [];
    const from = reply[0] ?? '';
    const reservations: Reservation[] = [];
    for (const part of from === '' ? [] : from.split(' ')) {
      const [list, count] = part.split(':').map(Number) as [number, number];
      for (let i = 0; i < count; i++) {
        const n = reservations.length;
        const text = reply[n + 1]!;
        const read = text.startsWith('!') ? foreignEnvelope(text.slice(1)) : readEnvelope(text);
        reservations.push(reservationOf(this.#tagPrefix + String(first + n), owners[list]!, read));
      }
    }
    empty(reply);
    empty(args);
    return reservations;
  }

  /**
   * Step 0 of all queues, then 3, 6, 9 (decisions.md 54). What a blocking take waits for need not be armed; since a server before 7.2 arms whatever a
   * script declares and not only what it reads, such a list is `hidden` there: each message in it would ring in vain.
   */
  #layout(queues: readonly string[]) {
    const byQueue = queues.map((queue) => this.#keys.lists(queue));
    const ends = queues.map(recordSuffix);
    const lists: string[] = [];
    const owners: string[] = [];
    const suffixes: string[] = [];
    const hidden: string[] = [];
    const { version } = this.#connections.command.peer;
    const armsAll = version !== undefined && (version[0] < 7 || (version[0] === 7 && version[1] < 2));
    let armed = '';
    for (let step = 0; step < this.#keys.steps.length; step++) {
      for (const [i, queue] of queues.entries()) {
        const list = byQueue[i]![step]!;
        const isWaitedFor = step === 0 && this.#waiting.isBlocking(queue);
        if (isWaitedFor && armsAll) hidden.push(list);
        lists.push(list);
        owners.push(queue);
        suffixes.push(ends[i]!);
        armed += isWaitedFor ? (armsAll ? '2' : '0') : '1';
      }
    }
    return { lists, owners, suffixes, armed, hidden };
  }

  #handOut(arrival: Arrival): Reservation {
    const { envelope, queue } = arrival;
    const read = envelope.length > this.#maxBytes ? foreignEnvelope(envelope.toString('utf8', 0, 512)) : readEnvelope(envelope.toString());
    const reservation = reservationOf(this.#tagPrefix + String(this.#nextNumber++), queue, read);
    this.#arrivals.add(reservation, arrival);
    return reservation;
  }

  /** All idle workers hear the same bell: who found nothing last time lets the others go first. */
  async #wait(seat: Seat, ms: number, signal: AbortSignal): Promise<void> {
    const hasRung = await seat.wait(ms, signal);
    if (hasRung && this.#hasLostRace && !signal.aborted) await this.#clock.sleep(Math.random() * this.#lease.workers);
    this.#hasLostRace = hasRung;
  }
}

function reservationOf(id: string, queue: string, { message, exchange, routingKey, redelivered }: ReadEnvelope): Reservation {
  return { id, queue, message, redelivered, route: { exchange, routingKey } };
}
