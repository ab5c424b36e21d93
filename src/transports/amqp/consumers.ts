import type { AmqpChannel, AmqpMessage } from '../../clients/amqp/channel.ts';
import type { FieldTable } from '../../clients/amqp/field-table.ts';
import { OperationalError } from '../../errors.ts';
import type { ConsumeOptions, Delivery } from '../transport.ts';
import type { Acks } from './acks.ts';
import type { Qos } from './qos.ts';

/** As large as a limit can be. */
const MOST = 65_535;

export interface Consuming {
  readonly queue: string;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly options: ConsumeOptions;
  /** Undefined while it is paused. */
  tag: string | undefined;
}

/** What the channel has brought and was not settled yet. */
export type InHand = Pick<Acks, 'newest' | 'holdsUpTo'>;

/**
 * The consumers of one channel, and how much they may hold. Where the limit is the channel's (see Qos), the queue asks another process of the broker for leave before
 * each message (measured: 10 of its 65 to 80 µs a message). So a consumer also gets a limit of its own, the most that ours may grow to, which its queue counts by itself;
 * and while ours is just that and the consumer is alone, the channel's is lifted. A smaller one is in force again as soon as the queue hears of it.
 */
export class Consumers {
  readonly #channel: AmqpChannel;
  readonly #inHand: InHand;
  readonly #read: (queue: string, message: AmqpMessage, noAck: boolean) => Delivery;
  readonly #all = new Set<Consuming>();
  #qos: Qos;
  #wanted: { readonly count: number; readonly most: number } | undefined;
  /** In force; 0 while all are paused. */
  #applied: number | undefined;
  /** Of each consumer, besides the channel's; 0 where there is none. */
  #own = 0;
  #isLifted = false;
  /** What has come up to this tag came by earlier subscriptions: it counts for the channel only. */
  #earlier = 0;
  /** How the limit in force was set. */
  #limitedBy: Qos | undefined;
  #changing: Promise<void> = Promise.resolve();

  constructor(channel: AmqpChannel, inHand: InHand, qos: Qos, read: (queue: string, message: AmqpMessage, noAck: boolean) => Delivery) {
    this.#channel = channel;
    this.#inHand = inHand;
    this.#qos = qos;
    this.#read = read;
  }

  /** A queue of this channel counts per consumer, whatever the server does otherwise. */
  countPerConsumer(): void {
    this.#qos = 'consumer';
  }

  async add(consumer: Consuming): Promise<void> {
    try {
      await this.#inTurn(async () => {
        await this.#limitPerConsumer();
        this.#all.add(consumer);
        if (this.#applied === 0) return;
        if (this.#isLifted) await this.#limit(this.#applied!, 'channel');
        await this.#subscribe(consumer);
      });
    } catch (error) {
      this.#all.delete(consumer);
      throw error;
    }
  }

  async remove(consumer: Consuming): Promise<void> {
    if (this.#all.delete(consumer)) await this.#inTurn(() => this.#unsubscribe(consumer));
  }

  /** 0 is no limit to AMQP: there the consumers are cancelled instead, and subscribed again later. */
  setPrefetch(count: number, most: number): void {
    if (count === this.#wanted?.count && most === this.#wanted.most) return;
    this.#wanted = { count, most };
    this.#inTurn(() => this.#apply()).catch(() => undefined);
  }

  /** Subscriptions and the limits that they are made under are changed one after another. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const changing = this.#changing.then(change);
    this.#changing = changing.catch(() => undefined);
    return changing;
  }

  async #apply(): Promise<void> {
    const { count, most } = this.#wanted!;
    if (count === this.#applied || !this.#channel.isOpen) return;
    if (count === 0) {
      this.#applied = 0;
      return this.#unsubscribeAll();
    }
    await (this.#qos === 'consumer' ? this.#applyPerConsumer(count) : this.#applyToChannel(count, most));
  }

  /** Where the limit is fixed when a consumer starts, it is only ever raised, and set anew after a pause. */
  async #applyPerConsumer(wanted: number): Promise<void> {
    const applied = this.#applied ?? 0;
    if (wanted < applied) return;
    // Each raise costs a new subscription: at least twice as much, so that there are few.
    const count = Math.min(Math.max(wanted, applied * 2), MOST);
    const isFirst = this.#applied === undefined;
    this.#applied = count;
    if (!isFirst) await this.#unsubscribeAll();
    await this.#limit(count, 'consumer');
    if (!isFirst) await this.#subscribeAll();
  }

  async #applyToChannel(wanted: number, most: number): Promise<void> {
    const count = Math.min(wanted, MOST);
    const isFirst = this.#applied === undefined;
    // What waits here for its eta is held besides, and then a consumer's own limit would be in the way.
    const isAnew = this.#applied === 0 || (this.#own > 0 && count > this.#own);
    this.#applied = count;
    if (isAnew) await this.#unsubscribeAll();
    if (isFirst || isAnew) await this.#limitOwn(count > most ? 0 : Math.min(most, MOST));
    const lifts = !isAnew && count === this.#own && this.#all.size === 1 && !this.#inHand.holdsUpTo(this.#earlier);
    await this.#limit(lifts ? 0 : count, 'channel');
    if (isAnew) await this.#subscribeAll();
  }

  /** In force for those that subscribe from now on. */
  async #limitOwn(count: number): Promise<void> {
    if (count === this.#own) return;
    this.#own = count;
    await this.#channel.call('basic.qos', { prefetchCount: count, global: false }, 'basic.qos-ok');
  }

  async #limit(prefetchCount: number, qos: Qos): Promise<void> {
    this.#limitedBy = qos;
    this.#isLifted = qos === 'channel' && prefetchCount === 0;
    await this.#channel.call('basic.qos', { prefetchCount, global: qos === 'channel' }, 'basic.qos-ok');
  }

  /** Lifts a limit for the whole channel, set before a quorum queue was declared: RabbitMQ closes the connection over such a consumer under it. */
  async #limitPerConsumer(): Promise<void> {
    if (this.#qos !== 'consumer' || this.#limitedBy !== 'channel') return;
    const subscribed = [...this.#all].filter(({ tag }) => tag !== undefined);
    await Promise.all(subscribed.map((consumer) => this.#unsubscribe(consumer)));
    await this.#limit(0, 'channel');
    await this.#limit(Math.max(1, this.#applied ?? 1), 'consumer');
    await Promise.all(subscribed.map((consumer) => this.#subscribe(consumer)));
  }

  async #subscribeAll(): Promise<void> {
    await Promise.all([...this.#all].map((consumer) => this.#subscribe(consumer)));
  }

  async #unsubscribeAll(): Promise<void> {
    await Promise.all([...this.#all].map((consumer) => this.#unsubscribe(consumer)));
  }

  async #subscribe(consumer: Consuming): Promise<void> {
    this.#earlier = this.#inHand.newest;
    const { queue, onDelivery, options } = consumer;
    const noAck = options.noAck ?? false;
    consumer.tag = await this.#channel.consume(
      queue,
      {
        onMessage: (message) => onDelivery(this.#read(queue, message, noAck)),
        onCancelled: () => {
          this.#all.delete(consumer);
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
}
