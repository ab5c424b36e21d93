import { AmqpReturned, type AmqpChannel, type AmqpMessage } from '../../clients/amqp/channel.ts';
import { AmqpReplyError } from '../../clients/amqp/errors.ts';
import type { FieldTable } from '../../clients/amqp/field-table.ts';
import type { Fields } from '../../clients/amqp/methods.ts';
import { OperationalError, PreconditionFailed, QueueNotFound } from '../../errors.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import { bytesOf } from '../../serialization/body.ts';
import type { Binding, Channel, ConsumeOptions, Delivery, ExchangeSpec, PublishOptions, QueueInfo, QueueSpec } from '../transport.ts';
import { Acks } from './acks.ts';
import { Consumers, type Consuming } from './consumers.ts';
import { AmqpDelivery, type Settling } from './delivery.ts';
import { toProperties } from './message.ts';
import type { Qos } from './qos.ts';
import { tooLong } from './too-long.ts';

const NOT_FOUND = 404;
const RESOURCE_LOCKED = 405;
const PRECONDITION_FAILED = 406;
/** A channel of the transport contract on one of the client's. */
export class AmqpBrokerChannel implements Channel {
  readonly closed: Promise<Error | undefined>;
  readonly #channel: AmqpChannel;
  /** Passive declarations close their channel when they find nothing: they are made on another. */
  readonly #openAnother: () => Promise<AmqpChannel>;
  readonly #acks: Acks;
  readonly #consumers: Consumers;

  constructor(channel: AmqpChannel, openAnother: () => Promise<AmqpChannel>, qos: Qos) {
    this.#channel = channel;
    this.#openAnother = openAnother;
    this.#acks = new Acks(channel);
    this.#consumers = new Consumers(channel, this.#acks, qos, (queue, message, noAck) => this.#delivery(queue, message, noAck));
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
    if (queue.arguments['x-queue-type'] === 'quorum') this.#consumers.countPerConsumer();
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
    const { body } = message;
    return this.#channel.publish(exchange, routingKey, toProperties(message), 'text' in body ? body.text : bytesOf(body), {
      mandatory: options.mandatory ?? false,
      toldAs: (error) => (error instanceof AmqpReturned ? new QueueNotFound(error.message, { cause: error }) : (tooLong(error, message) ?? translated(error))),
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
    await this.#consumers.add(consumer).catch((error: unknown) => {
      throw translated(error, `the queue ${JSON.stringify(queue)}`);
    });
    return { [Symbol.asyncDispose]: () => this.#consumers.remove(consumer) };
  }

  setPrefetch(count: number, most = 0): void {
    this.#consumers.setPrefetch(count, most);
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
