import { OperationalError, PreconditionFailed, QueueNotFound } from '../../errors.ts';
import { deferred } from '../../kernel/deferred.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import type { Binding, Channel, ConsumeOptions, Delivery, ExchangeSpec, PublishOptions, QueueInfo, QueueSpec, TransportCapabilities } from '../transport.ts';
import { ConsumeLoop } from './consume-loop.ts';
import { broadcastDelivery, HeldDelivery } from './delivery.ts';
import { type Exchanges, topicOf } from './exchanges.ts';
import type { Hold, Holds } from './holds.ts';
import type { QueueStore } from './queue-store.ts';

/** What a channel has of its connection. */
export interface ChannelParts {
  readonly store: QueueStore;
  readonly capabilities: TransportCapabilities;
  readonly exchanges: Exchanges;
  readonly queues: Map<string, QueueState>;
  readonly holds: Holds;
  readonly log: Logger;
  /** Makes sure that the lease is running; before anything is taken. */
  holdLease(): Promise<void>;
  /** Something failed that nobody waits for. The connection closes: better lost and made anew than alive and silent. */
  fail(error: unknown): void;
}

/** A queue as this connection knows it. */
export interface QueueState {
  readonly spec: QueueSpec;
  consumers: number;
}

interface Consumer {
  readonly queue: string;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly options: ConsumeOptions;
  /** By topic. */
  readonly subscriptions: Map<string, AsyncDisposable>;
}

/** AMQP's channel on a plain store: exchanges, prefetch and consumers are kept here, messages there. */
export class VirtualChannel implements Channel {
  readonly closed: Promise<Error | undefined>;
  readonly #parts: ChannelParts;
  readonly #loop: ConsumeLoop;
  readonly #closed = deferred<Error | undefined>();
  /** By queue; several consumers of one queue take turns. */
  readonly #consumers = new Map<string, Consumer[]>();
  readonly #shutdown = new AbortController();
  #isClosed = false;
  #guarded: Promise<unknown> | undefined;

  constructor(parts: ChannelParts) {
    this.#parts = parts;
    this.closed = this.#closed.promise;
    this.#loop = new ConsumeLoop({
      store: parts.store,
      holds: parts.holds,
      onHold: (hold) => this.#deliver(hold),
      onError: (error) => parts.fail(error),
    });
  }

  declareExchange(exchange: ExchangeSpec): Promise<void> {
    return this.#declare(async () => this.#parts.exchanges.declare(exchange));
  }

  async declareQueue(queue: QueueSpec): Promise<QueueInfo> {
    await this.#declare((store) => store.createQueue(queue));
    const state = this.#parts.queues.get(queue.name);
    if (state === undefined) this.#parts.queues.set(queue.name, { spec: queue, consumers: 0 });
    return this.#info(queue.name);
  }

  async queueInfo(queue: string): Promise<QueueInfo | undefined> {
    const info = await this.#info(queue);
    return info.messages > 0 || this.#parts.queues.has(queue) ? info : undefined;
  }

  bind(binding: Binding): Promise<void> {
    return this.#ask(async () => {
      await this.#parts.exchanges.bind(binding);
      await this.#rebound(binding.queue);
    });
  }

  unbind(binding: Binding): Promise<void> {
    return this.#ask(async () => {
      await this.#parts.exchanges.unbind(binding);
      await this.#rebound(binding.queue);
    });
  }

  deleteQueue(queue: string): Promise<void> {
    return this.#ask(async (store) => {
      const consumers = this.#consumers.get(queue) ?? [];
      for (const consumer of [...consumers]) await this.#stop(consumer);
      await this.#parts.exchanges.forgetQueue(queue);
      this.#parts.queues.delete(queue);
      await store.deleteQueue(queue);
      for (const consumer of consumers) consumer.options.onCancelled?.(new QueueNotFound(`queue "${queue}" has been deleted`));
    });
  }

  deleteExchange(exchange: string): Promise<void> {
    return this.#ask(() => this.#parts.exchanges.deleteExchange(exchange));
  }

  purge(queue: string): Promise<number> {
    return this.#ask((store) => store.purge(queue));
  }

  publish(message: WireMessage, exchange: string, routingKey: string, options?: PublishOptions): Promise<void> {
    // The default exchange, which most tasks go through, costs no promise of its own: calls of one tick share the store's.
    if (exchange === '' && !this.#isClosed) return this.#guard(this.#parts.store.put(routingKey, message, this.#delay(options)));
    return this.#ask(() => this.#publishTo(message, exchange, routingKey, options));
  }

  async get(queue: string): Promise<Delivery | undefined> {
    await this.#parts.holdLease();
    const [reservation] = await this.#ask((store) => store.reserve([queue], { max: 1, waitMs: 0, signal: this.#shutdown.signal }));
    if (reservation === undefined) return undefined;
    return new HeldDelivery(this.#parts.holds.add(reservation), this.#parts, undefined);
  }

  async consume(queue: string, onDelivery: (delivery: Delivery) => void, options: ConsumeOptions = {}): Promise<AsyncDisposable> {
    this.#mustBeOpen();
    await this.#parts.holdLease();
    const consumer: Consumer = { queue, onDelivery, options, subscriptions: new Map() };
    this.#consumers.set(queue, [...(this.#consumers.get(queue) ?? []), consumer]);
    const state = this.#parts.queues.get(queue);
    if (state !== undefined) state.consumers += 1;
    await this.#ask(() => this.#subscribe(consumer));
    this.#loop.setQueues(this.#storedQueues());
    return { [Symbol.asyncDispose]: () => this.#cancel(consumer) };
  }

  setPrefetch(count: number): void {
    this.#loop.setPrefetch(count);
  }

  /** Ends consuming; what is in hand stays in hand. With a reason when it was not we who wanted it. */
  async close(reason?: Error): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#shutdown.abort(reason);
    // Whoever waits for `closed` must not wait for a store that no longer answers.
    this.#closed.resolve(reason);
    const consumers = [...this.#consumers.values()].flat();
    await this.#loop.close();
    for (const consumer of consumers) await this.#cancel(consumer).catch((error: unknown) => this.#whileClosing(error, reason));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #publishTo(message: WireMessage, exchange: string, routingKey: string, options: PublishOptions | undefined): Promise<void> {
    const { store, exchanges } = this.#parts;
    const route = { exchange, routingKey };
    if (exchanges.typeOf(exchange) === 'fanout') {
      await store.broadcast?.publish(topicOf(exchange, routingKey), message, route);
      return;
    }
    const queues = await exchanges.route(exchange, routingKey, message.headers);
    if (queues.size === 0 && options?.mandatory === true) {
      throw new QueueNotFound(
        `no queue is bound to exchange "${exchange}" for the routing key "${routingKey}", and the message was to be delivered by all means`,
      );
    }
    await Promise.all([...queues].map((queue) => store.put(queue, message, { ...this.#delay(options), route })));
  }

  /** Only where the store holds messages back by itself; elsewhere they come at once, and the worker sees to it. */
  #delay(options: PublishOptions | undefined): { readonly notBeforeMs: number } | undefined {
    const notBeforeMs = this.#parts.capabilities.delayedDelivery === 'publish' ? options?.notBeforeMs : undefined;
    return notBeforeMs === undefined ? undefined : { notBeforeMs };
  }

  /** Synchronous, and called once for each message. */
  #deliver(hold: Hold): void {
    const consumers = this.#consumers.get(hold.reservation.queue);
    const consumer = consumers?.[0];
    if (consumers === undefined || consumer === undefined) {
      // It came in the moment in which its consumer went.
      this.#loop.release();
      this.#parts.holds.end(hold, 'return', this.#parts.store).catch((error: unknown) => this.#parts.fail(error));
      return;
    }
    if (consumers.length > 1) consumers.push(consumers.shift()!);
    const delivery = new HeldDelivery(hold, this.#parts, this.#loop);
    if (consumer.options.noAck === true) delivery.settle('ack').catch((error: unknown) => this.#parts.fail(error));
    this.#hand(consumer, delivery);
  }

  #hand(consumer: Consumer, delivery: Delivery): void {
    try {
      consumer.onDelivery(delivery);
    } catch (error) {
      this.#parts.log.error(`the consumer of queue "${consumer.queue}" failed on a message; it stays unsettled`, { error });
    }
  }

  /** Hears the broadcasts that its queue is bound to, and no others; again whenever a binding has come or gone. */
  async #subscribe(consumer: Consumer): Promise<void> {
    const { broadcast } = this.#parts.store;
    const { queue, subscriptions } = consumer;
    const topics = broadcast === undefined ? [] : this.#parts.exchanges.topicsOf(queue);
    for (const [topic, subscription] of [...subscriptions]) {
      if (topics.includes(topic)) continue;
      subscriptions.delete(topic);
      await subscription[Symbol.asyncDispose]();
    }
    for (const topic of topics.filter((one) => !subscriptions.has(one))) {
      const subscription = await broadcast!.subscribe(topic, (message, route) => {
        if (!this.#isClosed) this.#hand(consumer, broadcastDelivery(message, queue, route ?? { exchange: topic.split('/', 1)[0]!, routingKey: '' }));
      });
      subscriptions.set(topic, subscription);
    }
  }

  async #rebound(queue: string): Promise<void> {
    for (const consumer of this.#consumers.get(queue) ?? []) await this.#subscribe(consumer);
    this.#loop.setQueues(this.#storedQueues());
  }

  #storedQueues(): readonly string[] {
    return [...this.#consumers.keys()].filter((queue) => this.#parts.exchanges.isStored(queue));
  }

  /** Stops it; a queue that was to live as long as its consumers goes with the last of them. */
  async #cancel(consumer: Consumer): Promise<void> {
    if (!(await this.#stop(consumer))) return;
    const state = this.#parts.queues.get(consumer.queue);
    if (state === undefined || !state.spec.autoDelete || state.consumers > 0) return;
    this.#parts.queues.delete(consumer.queue);
    await this.#parts.exchanges.forgetQueue(consumer.queue);
    await this.#parts.store.deleteQueue(consumer.queue);
  }

  async #stop(consumer: Consumer): Promise<boolean> {
    const { queue } = consumer;
    const others = (this.#consumers.get(queue) ?? []).filter((other) => other !== consumer);
    if (others.length === this.#consumers.get(queue)?.length || !this.#consumers.has(queue)) return false;
    if (others.length === 0) this.#consumers.delete(queue);
    else this.#consumers.set(queue, others);
    const state = this.#parts.queues.get(queue);
    if (state !== undefined) state.consumers -= 1;
    this.#loop.setQueues(this.#storedQueues());
    for (const subscription of consumer.subscriptions.values()) await subscription[Symbol.asyncDispose]();
    return true;
  }

  async #info(queue: string): Promise<QueueInfo> {
    const messages = await this.#ask((store) => store.size(queue));
    return { name: queue, messages, consumers: this.#parts.queues.get(queue)?.consumers ?? this.#consumers.get(queue)?.length ?? 0 };
  }

  /** As with a broker, a declaration that is refused costs the channel. */
  async #declare(action: (store: QueueStore) => Promise<void>): Promise<void> {
    try {
      await this.#ask(action);
    } catch (error) {
      if (error instanceof PreconditionFailed) await this.close(error);
      throw error;
    }
  }

  async #ask<T>(action: (store: QueueStore) => Promise<T>): Promise<T> {
    this.#mustBeOpen();
    return this.#guard(action(this.#parts.store));
  }

  /** An error goes to the caller; one that says "the server is gone" ends the connection as well. */
  #guard<T>(answer: Promise<T>): Promise<T> {
    // Calls of one tick share the store's promise: one look at its failure does for all of them.
    if (answer === this.#guarded) return answer;
    this.#guarded = answer;
    answer.catch((error: unknown) => error instanceof OperationalError && this.#parts.fail(error));
    return answer;
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new OperationalError('this channel is closed; open another one');
  }

  /** After a loss nothing can be tidied up, and that is no news. */
  #whileClosing(error: unknown, reason: Error | undefined): void {
    if (reason === undefined) this.#parts.log.warn('a consumer could not be ended properly', { error });
  }
}
