import type { Duration } from '../kernel/duration.ts';

export type DeliveryMode = 1 | 2 | 'transient' | 'persistent';
export type ExchangeType = 'direct' | 'topic' | 'fanout' | 'headers' | (string & {});

export interface ExchangeOptions {
  /** Default `'direct'`. */
  readonly type?: ExchangeType;
  readonly durable?: boolean;
  readonly autoDelete?: boolean;
  readonly deliveryMode?: DeliveryMode;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

export interface QueueOptions {
  /** Default: an exchange of the queue's own name. */
  readonly exchange?: string | Exchange;
  readonly exchangeType?: ExchangeType;
  /** Default: the queue's name. */
  readonly routingKey?: string;
  /** Further ways into the queue. */
  readonly bindings?: readonly { readonly exchange: string | Exchange; readonly routingKey: string }[];
  readonly durable?: boolean;
  readonly exclusive?: boolean;
  readonly autoDelete?: boolean;
  readonly alias?: string;
  /** Never declare it: it exists, or somebody else makes it. */
  readonly noDeclare?: boolean;
  readonly queueArguments?: Readonly<Record<string, unknown>>;
  readonly consumerArguments?: Readonly<Record<string, unknown>>;
  readonly bindingArguments?: Readonly<Record<string, unknown>>;
  readonly expires?: Duration;
  readonly messageTtl?: Duration;
  readonly maxLength?: number;
  readonly maxLengthBytes?: number;
  readonly maxPriority?: number;
  readonly type?: 'classic' | 'quorum';
}

/** Where messages are sent to; queues are bound to it. */
export class Exchange {
  readonly name: string;
  readonly type: ExchangeType;
  readonly options: ExchangeOptions;

  constructor(name: string, options: ExchangeOptions = {}) {
    this.name = name;
    this.type = options.type ?? 'direct';
    this.options = options;
  }
}

/** Where messages wait for workers. */
export class Queue {
  readonly name: string;
  readonly exchange: Exchange;
  readonly routingKey: string;
  readonly options: QueueOptions;

  constructor(name: string, options: QueueOptions = {}) {
    this.name = name;
    this.options = options;
    const { exchange = name, exchangeType } = options;
    this.exchange = typeof exchange === 'string' ? new Exchange(exchange, exchangeType === undefined ? {} : { type: exchangeType }) : exchange;
    this.routingKey = options.routingKey ?? name;
  }
}

/** A queue of which every worker has a copy: each message reaches them all. */
export class Broadcast {
  readonly name: string;
  readonly options: { readonly queue?: string; readonly unique?: boolean };

  constructor(name: string, options: { readonly queue?: string; readonly unique?: boolean } = {}) {
    this.name = name;
    this.options = options;
  }
}
