import { AmqpReturned, type AmqpChannel, type AmqpMessage } from '../../clients/amqp/channel.ts';
import { AmqpReplyError } from '../../clients/amqp/errors.ts';
import type { FieldTable } from '../../clients/amqp/field-table.ts';
import type { Fields } from '../../clients/amqp/methods.ts';
import { OperationalError, PreconditionFailed, QueueNotFound } from '../../errors.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import { bytesOf } from '../../serialization/body.ts';
import type { Binding, Channel, ConsumeOptions, Delivery, ExchangeSpec, PublishOptions, QueueInfo, QueueSpec } from '../transport.ts';
import { Acks } from './acks.ts';
import { AmqpDelivery, type Settling } from './delivery.ts';
import { toProperties } from './message.ts';
import type { Qos } from './qos.ts';
import { tooLong } from './too-long.ts';

const NOT_FOUND = 404;
const RESOURCE_LOCKED = 405;
const PRECONDITION_FAILED = 406;
/** As large as a limit can be. */
const MOST = 65_535;

interface Consuming {
  readonly queue: string;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly options: ConsumeOptions;
  /** Undefined while it is paused. */
  tag: string | undefined;
}

/** A channel of the transport contract on one of the client's. */
export class AmqpBrokerChannel implements Channel {
  readonly closed: Promise<Error | undefined>;
  readonly #channel: AmqpChannel;
  /** Passive declarations close their channel when they find nothing: they are made on another. */
  readonly #openAnother: () => Promise<AmqpChannel>;
  readonly #acks: Acks;
  #qos: Qos;
  readonly #consumers = new Set<Consuming>();
  #prefetch: number | undefined;
  #changing: Promise<void> = Promise.resolve();
  #appliedPrefetch: number | undefined;
  /** How the limit in force was set. */
  #limitedBy: Qos | undefined;

  constructor(channel: AmqpChannel, openAnother: () => Promise<AmqpChannel>, qos: Qos) {
    this.#channel = channel;
    this.#openAnother = openAnother;
    this.#qos = qos;
    this.#acks = new Acks(channel);
    this.closed = channel.closed.then((reason) => (reason === undefined ? undefined : translated(reason)));
  }

  async declareExchange(exchange: ExchangeSpec): Promise<void> {
    const { name, type, durable, autoDelete } = exchange;
    await this.#call(
      'exchange.declare',
      { exchange: name, type, durable, autoDelete, arguments: exchange.arguments as FieldTable },
      'exchange.declare-ok',
      `the exchange ${JSON.stringify(name)}`,
    );
  }

  async declareQueue(queue: QueueSpec): Promise<QueueInfo> {
    const { name, durable, exclusive, autoDelete } = queue;
    // Quorum queues count prefetch per consumer, whatever the server does otherwise (celery-5.7.md 5.3).
    if (queue.arguments['x-queue-type'] === 'quorum') this.#qos = 'consumer';
    const what = `the queue ${JSON.stringify(name)}`;
    const answer = await this.#call(
      'queue.declare',
      { queue: name, durable, exclusive, autoDelete, arguments: queue.arguments as FieldTable },
      'queue.declare-ok',
      what,
    );
    const { messageCount, consumerCount } = answer.fields as Fields<'queue.declare-ok'>;
    return { name, messages: messageCount, consumers: consumerCount };
  }

  async queueInfo(queue: string): Promise<QueueInfo | undefined> {
    const other = await this.#openAnother();
    try {
      const { fields } = await other.call('queue.declare', { queue, passive: true }, 'queue.declare-ok');
      const { messageCount, consumerCount } = fields as Fields<'queue.declare-ok'>;
      return { name: queue, messages: messageCount, consumers: consumerCount };
    } catch (error) {
      if (error instanceof AmqpReplyError && error.replyCode === NOT_FOUND) return undefined;
      throw translated(error);
    } finally {
      await other.close();
    }
  }

  async bind({ queue, exchange, routingKey, arguments: args }: Binding): Promise<void> {
    await this.#call(
      'queue.bind',
      { queue, exchange, routingKey, arguments: args as FieldTable },
      'queue.bind-ok',
      `the binding of ${JSON.stringify(queue)} to ${JSON.stringify(exchange)}`,
    );
  }

  async unbind({ queue, exchange, routingKey, arguments: args }: Binding): Promise<void> {
    await this.#call(
      'queue.unbind',
      { queue, exchange, routingKey, arguments: args as FieldTable },
      'queue.unbind-ok',
      `the binding of ${JSON.stringify(queue)} to ${JSON.stringify(exchange)}`,
    );
  }

  async bindExchange({
    destination,
    source,
    routingKey,
  }: {
    readonly destination: string;
    readonly source: string;
    readonly routingKey: string;
  }): Promise<void> {
    await this.#call(
      'exchange.bind',
      { destination, source, routingKey },
      'exchange.bind-ok',
      `the binding of ${JSON.stringify(destination)} to ${JSON.stringify(source)}`,
    );
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.#call('queue.delete', { queue }, 'queue.delete-ok', `the queue ${JSON.stringify(queue)}`);
  }

  async deleteExchange(exchange: string): Promise<void> {
    await this.#call('exchange.delete', { exchange }, 'exchange.delete-ok', `the exchange ${JSON.stringify(exchange)}`);
  }

  async purge(queue: string): Promise<number> {
    const answer = await this.#call('queue.purge', { queue }, 'queue.purge-ok', `the queue ${JSON.stringify(queue)}`);
    return (answer.fields as Fields<'queue.purge-ok'>).messageCount;
  }

  publish(message: WireMessage, exchange: string, routingKey: string, options: PublishOptions = {}): Promise<void> {
    return this.#channel
      .publish(exchange, routingKey, toProperties(message), bytesOf(message.body), { mandatory: options.mandatory ?? false })
      .catch((error: unknown) => {
        throw error instanceof AmqpReturned ? new QueueNotFound(error.message, { cause: error }) : (tooLong(error, message) ?? translated(error));
      });
  }

  async get(queue: string): Promise<Delivery | undefined> {
    try {
      const message = await this.#channel.get(queue);
      return message === undefined ? undefined : this.#delivery(queue, message, false);
    } catch (error) {
      throw translated(error);
    }
  }

  async consume(queue: string, onDelivery: (delivery: Delivery) => void, options: ConsumeOptions = {}): Promise<AsyncDisposable> {
    const consumer: Consuming = { queue, onDelivery, options, tag: undefined };
    await this.#inTurn(async () => {
      await this.#limitPerConsumer();
      this.#consumers.add(consumer);
      if (this.#appliedPrefetch !== 0) await this.#subscribe(consumer);
    }).catch((error: unknown) => {
      this.#consumers.delete(consumer);
      throw translated(error, `the queue ${JSON.stringify(queue)}`);
    });
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#consumers.delete(consumer)) await this.#inTurn(() => this.#unsubscribe(consumer));
      },
    };
  }

  /** Subscriptions and the limits that they are made under are changed one after another. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const changing = this.#changing.then(change);
    this.#changing = changing.catch(() => undefined);
    return changing;
  }

  /** 0 is no limit to AMQP: there the consumers are cancelled instead, and subscribed again later. */
  setPrefetch(count: number): void {
    if (count === this.#prefetch) return;
    this.#prefetch = count;
    this.#inTurn(() => this.#applyPrefetch()).catch(() => undefined);
  }

  async #applyPrefetch(): Promise<void> {
    const wanted = this.#prefetch!;
    const applied = this.#appliedPrefetch;
    if (wanted === applied || !this.#channel.isOpen) return;
    // Where the limit is fixed when a consumer starts, it is only ever raised, and set anew after a pause.
    if (this.#qos === 'consumer' && wanted > 0 && applied !== undefined && applied > 0 && wanted < applied) return;
    // Each raise costs a new subscription there: at least twice as much, so that there are few.
    const isRaised = this.#qos === 'consumer' && applied !== undefined && applied > 0 && wanted > applied;
    const count = Math.min(isRaised ? Math.max(wanted, applied * 2) : wanted, MOST);
    this.#appliedPrefetch = count;
    const isAnew = wanted === 0 || applied === 0 || isRaised;
    if (isAnew) await Promise.all([...this.#consumers].map((consumer) => this.#unsubscribe(consumer)));
    if (wanted === 0) return;
    await this.#limit(count, this.#qos);
    if (isAnew) await Promise.all([...this.#consumers].map((consumer) => this.#subscribe(consumer)));
  }

  async #limit(prefetchCount: number, qos: Qos): Promise<void> {
    this.#limitedBy = qos;
    await this.#channel.call('basic.qos', { prefetchCount, global: qos === 'channel' }, 'basic.qos-ok');
  }

  /** Lifts a limit for the whole channel, set before a quorum queue was declared: RabbitMQ closes the connection over such a consumer under it. */
  async #limitPerConsumer(): Promise<void> {
    if (this.#qos !== 'consumer' || this.#limitedBy !== 'channel') return;
    const subscribed = [...this.#consumers].filter(({ tag }) => tag !== undefined);
    await Promise.all(subscribed.map((consumer) => this.#unsubscribe(consumer)));
    await this.#limit(0, 'channel');
    await this.#limit(Math.max(1, this.#appliedPrefetch ?? 1), 'consumer');
    await Promise.all(subscribed.map((consumer) => this.#subscribe(consumer)));
  }

  async #subscribe(consumer: Consuming): Promise<void> {
    const { queue, onDelivery, options } = consumer;
    const noAck = options.noAck ?? false;
    consumer.tag = await this.#channel.consume(
      queue,
      {
        onMessage: (message) => onDelivery(this.#delivery(queue, message, noAck)),
        onCancelled: () => {
          this.#consumers.delete(consumer);
          options.onCancelled?.(
            new OperationalError(`the broker cancelled the consumer of ${JSON.stringify(queue)}: the queue was deleted, or its node went down`),
          );
        },
      },
      { noAck, exclusive: options.exclusive ?? false, arguments: (options.arguments ?? {}) as FieldTable },
    );
  }

  async #unsubscribe(consumer: Consuming): Promise<void> {
    const { tag } = consumer;
    consumer.tag = undefined;
    if (tag !== undefined && this.#channel.isOpen) await this.#channel.cancel(tag).catch(() => undefined);
  }

  #delivery(queue: string, message: AmqpMessage, noAck: boolean): Delivery {
    if (noAck) return new AmqpDelivery(queue, message, NOTHING_TO_SETTLE);
    const delivery = new AmqpDelivery(queue, message, this.#acks);
    this.#acks.delivered(delivery);
    return delivery;
  }

  async #call(...[name, fields, expects, what]: [...Parameters<AmqpChannel['call']>, what: string]): ReturnType<AmqpChannel['call']> {
    try {
      return await this.#channel.call(name as never, fields as never, expects as never);
    } catch (error) {
      throw translated(error, what);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel.close();
  }
}

/** Where the broker has forgotten a message as soon as it was sent. */
const NOTHING_TO_SETTLE: Settling = { settle: () => Promise.resolve() };

/** What the broker said, as the house's errors, with what to do. */
function translated(error: unknown, what = 'a queue or exchange'): Error {
  if (!(error instanceof AmqpReplyError))
    return error instanceof OperationalError ? error : new OperationalError(error instanceof Error ? error.message : String(error), { cause: error });
  if (error.replyCode === PRECONDITION_FAILED && /inequivalent/.test(error.message)) {
    return new PreconditionFailed(`${what} exists with other properties: ${error.message}. Declare it as it is (taskQueues), or delete it once it is empty`, {
      cause: error,
    });
  }
  if (error.replyCode === PRECONDITION_FAILED && /invalid (arg|property)/.test(error.message))
    return new PreconditionFailed(`${what} cannot be declared like this: ${error.message}. Quorum queues, for one, have no priorities`, { cause: error });
  if (error.replyCode === PRECONDITION_FAILED && /acknowledgement .*timed out/.test(error.message))
    return new OperationalError(
      `${error.message}. A task ran longer than the consumer_timeout of RabbitMQ, and comes again: raise that, or acknowledge early (acksLate: false)`,
      { cause: error },
    );
  if (error.replyCode === RESOURCE_LOCKED)
    return new PreconditionFailed(`${what} belongs to another connection: ${error.message}. Is the node name in use? Give this one another with -n`, {
      cause: error,
    });
  if (error.replyCode === NOT_FOUND) return new QueueNotFound(`${what} does not exist: ${error.message}`, { cause: error });
  return new OperationalError(error.message, { cause: error });
}
