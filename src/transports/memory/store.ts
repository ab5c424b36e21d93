import type { WireMessage } from '../../protocol/wire-message.ts';
import type { Binding, ConnectOptions, QueueSpec, Verdict } from '../transport.ts';
import { bodyBytes, foreignEnvelope } from '../virtual/envelope.ts';
import { topicMatcher } from '../virtual/exchanges.ts';
import { leaseTimes } from '../virtual/lease-times.ts';
import type { Broadcast, PutOptions, QueueStore, Reservation } from '../virtual/queue-store.ts';
import { lifeMs } from '../virtual/time-to-live.ts';
import { type Hold, type MemoryHub, memoryHub, queueOf, wake } from './hub.ts';
import type { StoredMessage } from './memory-queue.ts';

/** How many dead letters are kept for each queue. */
const MAX_DEAD = 10_000;
const DONE: Promise<void> = Promise.resolve();

interface ReserveOptions {
  readonly max: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** A queue store in this process. One thread, so every method is atomic by nature. */
export class MemoryStore implements QueueStore {
  readonly owner: string;
  readonly broadcast: Broadcast;
  readonly bindings: QueueStore['bindings'];
  readonly #hub: MemoryHub;
  readonly #options: ConnectOptions;
  readonly #confirmMs: number;
  /** Owners that were gone at the last look, and when that was. */
  readonly #missing = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(options: ConnectOptions) {
    this.owner = options.owner;
    this.#options = options;
    this.#hub = memoryHub(options.url.host || 'default');
    this.#confirmMs = leaseTimes(options.transportOptions).confirmMs;
    this.broadcast = broadcastOn(this.#hub, options);
    this.bindings = bindingsOn(this.#hub);
  }

  createQueue(queue: QueueSpec): Promise<void> {
    queueOf(this.#hub, queue.name);
    this.#hub.specs.set(queue.name, queue);
    return DONE;
  }

  deleteQueue(queue: string): Promise<void> {
    this.#hub.queues.delete(queue);
    this.#hub.specs.delete(queue);
    return DONE;
  }

  put(queue: string, message: WireMessage, options?: PutOptions): Promise<void> {
    const now = this.#options.clock.now();
    const stored: StoredMessage = {
      message,
      route: options?.route ?? { exchange: '', routingKey: queue },
      order: this.#hub.nextOrder++,
      notBeforeMs: options?.notBeforeMs ?? 0,
      expiresAtMs: now + (lifeMs(message, this.#ttlMs(queue)) ?? Number.POSITIVE_INFINITY),
      redelivered: false,
    };
    queueOf(this.#hub, queue).add(stored, now);
    wake(this.#hub);
    return DONE;
  }

  reserve(queues: readonly string[], options: ReserveOptions): Promise<Reservation[]> {
    const taken = this.#take(queues, options.max);
    if (taken.length > 0 || options.waitMs <= 0 || options.signal.aborted || this.#closing.signal.aborted) return Promise.resolve(taken);
    return this.#wait(queues, options);
  }

  settle(reservation: Reservation, verdict: Verdict): Promise<void> {
    const hold = this.#release(reservation.id);
    if (hold === undefined) return DONE;
    if (verdict === 'requeue' || verdict === 'return') this.#putBack(hold, verdict);
    if (verdict === 'dead') {
      const dead = this.#hub.dead.get(hold.queue) ?? [];
      this.#hub.dead.set(hold.queue, [...dead.slice(1 - MAX_DEAD), hold.stored.message]);
    }
    return DONE;
  }

  renew(leaseMs: number): Promise<boolean> {
    if (this.#hub.leases.get(this.owner) === 'lost') return Promise.resolve(false);
    this.#hub.leases.set(this.owner, this.#options.clock.now() + leaseMs);
    return Promise.resolve(true);
  }

  recover(max: number): Promise<number> {
    const now = this.#options.clock.now();
    let count = 0;
    for (const owner of [...this.#hub.held.keys()]) {
      if (!this.#isGone(owner, now)) continue;
      this.#hub.leases.set(owner, 'lost');
      count += this.#returnAll(owner, max - count);
      if (count >= max) break;
    }
    return Promise.resolve(count);
  }

  reconcile(known: ReadonlySet<string>): Promise<number> {
    const unknown = [...(this.#hub.held.get(this.owner)?.keys() ?? [])].filter((id) => !known.has(id));
    for (const id of unknown.toReversed()) this.#putBack(this.#release(id)!, 'return');
    return Promise.resolve(unknown.length);
  }

  size(queue: string): Promise<number> {
    return Promise.resolve(this.#hub.queues.get(queue)?.size ?? 0);
  }

  purge(queue: string): Promise<number> {
    return Promise.resolve(this.#hub.queues.get(queue)?.clear() ?? 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    // Without holds there is nothing that a lease could be for.
    if (!this.#hub.held.has(this.owner) && this.#hub.leases.get(this.owner) !== 'lost') this.#hub.leases.delete(this.owner);
    return DONE;
  }

  #take(queues: readonly string[], max: number): Reservation[] {
    const now = this.#options.clock.now();
    const taken: Reservation[] = [];
    for (const queue of queues) {
      while (taken.length < max) {
        const stored = this.#hub.queues.get(queue)?.take(now);
        if (stored === undefined) break;
        taken.push(this.#hold(queue, stored));
      }
    }
    return taken;
  }

  #hold(queue: string, stored: StoredMessage): Reservation {
    const id = String(this.#hub.nextId++);
    const held = this.#hub.held.get(this.owner) ?? new Map<string, Hold>();
    this.#hub.held.set(this.owner, held.set(id, { queue, stored }));
    const isTooLarge = bodyBytes(stored.message.body) > this.#options.maxMessageBytes;
    const message = isTooLarge ? foreignEnvelope('').message : stored.message;
    return { id, queue, message, redelivered: stored.redelivered, route: stored.route };
  }

  /** Waits until something may have changed, and looks again. The first to wait is the first to be served. */
  #wait(queues: readonly string[], options: ReserveOptions): Promise<Reservation[]> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const end = (taken: Reservation[]): void => {
        this.#hub.waiters.delete(look);
        options.signal.removeEventListener('abort', stop);
        this.#closing.signal.removeEventListener('abort', stop);
        timeout[Symbol.dispose]();
        due?.[Symbol.dispose]();
        resolve(taken);
      };
      const stop = (): void => end([]);
      const look = (): void => {
        const taken = this.#take(queues, options.max);
        if (taken.length > 0) return end(taken);
        due?.[Symbol.dispose]();
        due = this.#whenDue(queues, look);
      };
      const timeout = clock.schedule(options.waitMs, stop);
      let due = this.#whenDue(queues, look);
      this.#hub.waiters.add(look);
      options.signal.addEventListener('abort', stop, { once: true });
      this.#closing.signal.addEventListener('abort', stop, { once: true });
    });
  }

  #whenDue(queues: readonly string[], action: () => void): Disposable | undefined {
    const next = Math.min(...queues.map((queue) => this.#hub.queues.get(queue)?.nextDueMs ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(next) ? this.#options.clock.schedule(Math.max(0, next - this.#options.clock.now()), action) : undefined;
  }

  #release(id: string): Hold | undefined {
    const held = this.#hub.held.get(this.owner);
    const hold = held?.get(id);
    held?.delete(id);
    if (held?.size === 0) this.#hub.held.delete(this.owner);
    return hold;
  }

  #putBack(hold: Hold, verdict: 'requeue' | 'return'): void {
    if (verdict === 'requeue') hold.stored.order = this.#hub.nextOrder++;
    hold.stored.redelivered = true;
    queueOf(this.#hub, hold.queue).add(hold.stored, this.#options.clock.now());
    wake(this.#hub);
  }

  #returnAll(owner: string, max: number): number {
    const held = this.#hub.held.get(owner)!;
    const some = [...held].slice(0, max);
    for (const [id, hold] of some) {
      held.delete(id);
      this.#putBack(hold, 'return');
    }
    if (held.size === 0) this.#hub.held.delete(owner);
    return some.length;
  }

  /** Gone is an owner without a lease at two looks; one that somebody has declared lost needs no second. */
  #isGone(owner: string, now: number): boolean {
    const lease = this.#hub.leases.get(owner);
    if (lease === 'lost') return true;
    if (lease !== undefined && lease > now) {
      this.#missing.delete(owner);
      return false;
    }
    const since = this.#missing.get(owner);
    if (since === undefined) this.#missing.set(owner, now);
    if (since === undefined || now - since < this.#confirmMs) return false;
    this.#missing.delete(owner);
    return true;
  }

  #ttlMs(queue: string): number | undefined {
    const ttl = this.#hub.specs.get(queue)?.arguments['x-message-ttl'];
    return ttl === undefined || ttl === null ? undefined : Number(ttl);
  }
}

function broadcastOn(hub: MemoryHub, options: ConnectOptions): Broadcast {
  return {
    publish(topic, message, route) {
      for (const subscription of [...hub.subscriptions]) {
        if (!subscription.matches(topic)) continue;
        setImmediate(() => {
          if (hub.subscriptions.has(subscription)) subscription.onMessage(message, route ?? { exchange: topic, routingKey: '' });
        });
      }
      return DONE;
    },
    subscribe(topic, onMessage) {
      const subscription = {
        matches: topicMatcher(topic),
        onMessage: (...args: Parameters<typeof onMessage>): void => {
          try {
            onMessage(...args);
          } catch (error) {
            options.log.error(`a subscriber to "${topic}" failed on a message`, { error });
          }
        },
      };
      hub.subscriptions.add(subscription);
      return Promise.resolve({
        [Symbol.asyncDispose]: () => {
          hub.subscriptions.delete(subscription);
          return DONE;
        },
      });
    },
  };
}

function bindingsOn(hub: MemoryHub): QueueStore['bindings'] {
  const isSame = (a: Binding, b: Binding): boolean =>
    a.queue === b.queue && a.routingKey === b.routingKey && JSON.stringify(a.arguments) === JSON.stringify(b.arguments);
  const others = (binding: Binding): Binding[] => (hub.bindings.get(binding.exchange) ?? []).filter((other) => !isSame(other, binding));
  return {
    add(binding) {
      hub.bindings.set(binding.exchange, [...others(binding), binding]);
      return DONE;
    },
    remove(binding) {
      const left = others(binding);
      if (left.length > 0) hub.bindings.set(binding.exchange, left);
      else hub.bindings.delete(binding.exchange);
      return DONE;
    },
    of: (exchange) => Promise.resolve(hub.bindings.get(exchange) ?? []),
  };
}
