import { PreconditionFailed } from '../errors.ts';
import { exponentialBackoffMs } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { deferred } from '../kernel/deferred.ts';
import type { Deferred } from '../kernel/deferred.ts';
import type { Logger } from '../kernel/logger.ts';
import type { BrokerConnection, Channel, Delivery, QueueInfo } from '../transports/transport.ts';
import type { BrokerLink } from './link.ts';
import type { Declaration } from './outgoing.ts';

export interface ConsumerOptions {
  readonly link: BrokerLink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly noAck?: boolean;
  readonly exclusive?: boolean;
  /** A queue has been declared, and is about to be subscribed to: who else consumes from it, and what waits in it. */
  readonly onDeclared?: (queue: QueueInfo) => void;
  /** A new channel is about to be subscribed on, of this connection: what is in hand came by another. */
  readonly onChannel?: (connection: BrokerConnection) => void;
}

/** Between attempts; short, since a worker shall go on within seconds once it can. */
const MAX_WAIT_MS = 2000;

/** From `start` to `stop`. */
interface Life {
  readonly abort: AbortController;
  /** Rejected with what made the first attempt fail. */
  readonly ready: Deferred<void>;
  ended: Promise<void>;
}

/**
 * Subscribes to queues and sees to it that it stays so: after a lost connection, a closed channel or a consumer that the broker has cancelled it
 * declares and subscribes again, with back-off, until it is stopped. Only a first attempt that is refused is thrown, by `start`.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #queues = new Map<string, Declaration>();
  readonly #consuming = new Map<string, AsyncDisposable>();
  #prefetch: { readonly count: number; readonly most: number | undefined } | undefined;
  #channel: Channel | undefined;
  #again = deferred<string>();
  #isPaused = false;
  #life: Life | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /** Names of the queues that it is to consume from. */
  get queues(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** The channel in use; undefined while there is none. */
  get channel(): Channel | undefined {
    return this.#channel;
  }

  /** Resolves when every queue given with `add` has been subscribed to. */
  async start(): Promise<void> {
    if (this.#life !== undefined) return;
    const life: Life = { abort: new AbortController(), ready: deferred(), ended: Promise.resolve() };
    this.#life = life;
    this.#isPaused = false;
    life.ended = this.#run(life);
    await life.ready.promise;
  }

  /** No new deliveries; the channel stays open, so that what is in hand can be settled. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#cancelAll();
  }

  /** Lets go of the channel. What is still unsettled goes back where holds end with it (AMQP). */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    life.abort.abort(new Error('the consumer was stopped'));
    life.ready.resolve();
    await life.ended;
  }

  /** Consumes from one more queue, at once if it is running; then a refused declaration is thrown. */
  async add(queue: string, declaration: Declaration): Promise<void> {
    this.#queues.set(queue, declaration);
    if (this.#channel === undefined || this.#isPaused || this.#consuming.has(queue)) return;
    try {
      await this.#subscribe(this.#channel, queue, declaration);
    } catch (error) {
      // Tried again and again it would keep the others from being consumed.
      if (error instanceof PreconditionFailed) this.#queues.delete(queue);
      throw error;
    }
  }

  /** Consumes no longer from it. False when it did not before. */
  async remove(queue: string): Promise<boolean> {
    const wasKnown = this.#queues.delete(queue);
    const consuming = this.#consuming.get(queue);
    this.#consuming.delete(queue);
    await consuming?.[Symbol.asyncDispose]();
    return wasKnown;
  }

  /** How many messages may be held, and how far that may go; cheap to call often. Never called: no limit of ours. */
  setPrefetch(count: number, most?: number): void {
    if (count === this.#prefetch?.count && most === this.#prefetch.most) return;
    this.#prefetch = { count, most };
    this.#channel?.setPrefetch(count, most);
  }

  /** Subscribes anew on the same channel: for a watchdog that finds the broker has work while nothing comes. */
  resubscribe(reason: string): void {
    this.#again.resolve(reason);
  }

  async #run(life: Life): Promise<void> {
    const { clock, link, log } = this.#options;
    const { signal } = life.abort;
    const aborted = new Promise<Ending>((resolve) => signal.addEventListener('abort', () => resolve({ kind: 'stopped' }), { once: true }));
    let hasBeenReady = false;
    let said: string | undefined;
    for (let failures = 0; !signal.aborted;) {
      try {
        const connection = await link.connection(signal);
        const channel = await connection.openChannel();
        try {
          this.#options.onChannel?.(connection);
          await this.#subscribeAll(channel);
          life.ready.resolve();
          hasBeenReady = true;
          failures = 0;
          said = undefined;
          const reason = await this.#untilEnded(channel, aborted);
          // Of a lost connection the link has told.
          const say = link.isConnected ? log.warn : log.debug;
          if (reason !== undefined) say(`the consumer of ${this.#names()} has ended: ${reason}; subscribing again`);
        } finally {
          this.#channel = undefined;
          this.#consuming.clear();
          await dispose(channel);
        }
      } catch (error) {
        if (signal.aborted) break;
        if (!hasBeenReady) {
          life.ready.reject(error);
          if (this.#life === life) this.#life = undefined;
          return;
        }
        // One reason is one line, however often it is tried.
        const text = String(error);
        (said === text ? log.debug : log.warn)(`cannot consume from ${this.#names()}; trying again`, { error });
        said = text;
        // A stop ends the wait early; the loop's head sees it.
        await clock.sleep(exponentialBackoffMs(failures++, { factorMs: 200, maxMs: MAX_WAIT_MS }), signal).catch(() => undefined);
      }
    }
  }

  /** The reason why the channel is to be given up; undefined when that is our own wish. */
  async #untilEnded(channel: Channel, aborted: Promise<Ending>): Promise<string | undefined> {
    for (;;) {
      this.#again = deferred<string>();
      const ending = await Promise.race([
        aborted,
        channel.closed.then((error): Ending => ({ kind: 'closed', reason: error?.message ?? 'its channel was closed' })),
        this.#again.promise.then((reason): Ending => ({ kind: 'again', reason })),
      ]);
      if (ending.kind === 'stopped') return undefined;
      if (ending.kind === 'closed') return ending.reason;
      this.#options.log.warn(`subscribing to ${this.#names()} again: ${ending.reason}`);
      await this.#cancelAll();
      await this.#subscribeAll(channel);
    }
  }

  async #subscribeAll(channel: Channel): Promise<void> {
    if (this.#prefetch !== undefined) channel.setPrefetch(this.#prefetch.count, this.#prefetch.most);
    for (const [queue, declaration] of this.#isPaused ? [] : this.#queues) await this.#subscribe(channel, queue, declaration);
    this.#channel = channel;
    // It may have changed while the broker was answering.
    if (this.#prefetch !== undefined) channel.setPrefetch(this.#prefetch.count, this.#prefetch.most);
  }

  async #subscribe(channel: Channel, queue: string, declaration: Declaration): Promise<void> {
    const { onDeclared, onDelivery, noAck, exclusive } = this.#options;
    const info = await declare(channel, declaration);
    if (info !== undefined) onDeclared?.(info);
    const consuming = await channel.consume(queue, onDelivery, {
      ...(noAck === undefined ? {} : { noAck }),
      ...(exclusive === undefined ? {} : { exclusive }),
      onCancelled: (reason) => this.resubscribe(reason.message),
    });
    this.#consuming.set(queue, consuming);
  }

  async #cancelAll(): Promise<void> {
    const all = [...this.#consuming.values()];
    this.#consuming.clear();
    await Promise.all(all.map(dispose));
  }

  #names(): string {
    return this.queues.join(', ');
  }
}

type Ending = { readonly kind: 'stopped' } | { readonly kind: 'closed' | 'again'; readonly reason: string };

/** What cannot be closed has ended already, by the broker or with its connection. */
async function dispose(resource: AsyncDisposable): Promise<void> {
  try {
    await resource[Symbol.asyncDispose]();
  } catch {}
}

/** Makes a queue with the exchange and the bindings that lead to it; what the broker says of the queue. */
export async function declare(channel: Channel, declaration: Declaration): Promise<QueueInfo | undefined> {
  if (declaration.exchange !== undefined) await channel.declareExchange(declaration.exchange);
  const info = declaration.queue === undefined ? undefined : await channel.declareQueue(declaration.queue);
  for (const binding of declaration.bindings) await channel.bind(binding);
  return info;
}
