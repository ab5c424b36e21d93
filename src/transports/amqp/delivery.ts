import type { AmqpMessage } from '../../clients/amqp/channel.ts';
import type { Linked, LinkedSet } from '../../kernel/linked-set.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import type { Delivery, Verdict } from '../transport.ts';
import { toWireMessage } from './message.ts';

/** What hears the verdicts on the messages of a channel. */
export interface Settling {
  settle(delivery: AmqpDelivery, verdict: Verdict): Promise<void>;
}

/** A message of RabbitMQ in our hands, in the order in which its channel brought them. */
export class AmqpDelivery implements Delivery, Linked<AmqpDelivery> {
  readonly message: WireMessage;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly unreadable: Error | undefined;
  readonly tag: number;
  /** To be acknowledged. */
  isDone = false;
  in: LinkedSet<AmqpDelivery> | undefined = undefined;
  before: AmqpDelivery | undefined = undefined;
  after: AmqpDelivery | undefined = undefined;
  readonly #settling: Settling;

  constructor(queue: string, message: AmqpMessage, settling: Settling) {
    this.message = toWireMessage(message);
    this.queue = queue;
    this.exchange = message.exchange;
    this.routingKey = message.routingKey;
    this.redelivered = message.redelivered;
    this.unreadable = message.unreadable;
    this.tag = message.deliveryTag;
    this.#settling = settling;
  }

  settle(verdict: Verdict): Promise<void> {
    return this.#settling.settle(this, verdict);
  }
}
