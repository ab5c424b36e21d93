import { ImproperlyConfigured } from '../errors.ts';
import { durationMs, type Duration } from '../kernel/duration.ts';
import { newId } from '../kernel/ids.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Binding, ExchangeSpec, ExchangeType as WireExchangeType, QueueSpec } from '../transports/transport.ts';
import type { Declaration } from './outgoing.ts';

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
  readonly exchange: Exchange;
  /** This process's own copy. */
  readonly queue: string;

  /** `queue`: the name of the copy, where each worker names its own; `unique` makes it the beginning of a name. */
  constructor(name: string, options: { readonly queue?: string; readonly unique?: boolean } = {}) {
    this.name = name;
    this.exchange = new Exchange(name, { type: 'fanout' });
    this.queue = options.queue !== undefined && options.unique !== true ? options.queue : `${options.queue ?? 'bcast'}.${newId()}`;
  }
}

/** What a broker must be told so that messages reach the queue: the queue, its exchange, and what binds them. */
export function declarationOf(queue: Queue | Broadcast): Declaration {
  if (queue instanceof Broadcast) {
    const spec = { name: queue.queue, durable: true, exclusive: false, autoDelete: true, arguments: {} };
    return { queue: spec, exchange: exchangeSpec(queue.exchange), bindings: [{ queue: queue.queue, exchange: queue.name, routingKey: '', arguments: {} }] };
  }
  if (queue.options.noDeclare === true) return { bindings: [] };
  const bindingArguments = (queue.options.bindingArguments ?? {}) as JsonObject;
  const bind = (exchange: string, routingKey: string): Binding => ({ queue: queue.name, exchange, routingKey, arguments: bindingArguments });
  const more = (queue.options.bindings ?? []).map(({ exchange, routingKey }) => bind(typeof exchange === 'string' ? exchange : exchange.name, routingKey));
  // The default exchange has no name; every queue is bound to it by its own, and nobody may say so again.
  if (queue.exchange.name === '') return { queue: queueSpec(queue), bindings: more };
  return { queue: queueSpec(queue), exchange: exchangeSpec(queue.exchange), bindings: [bind(queue.exchange.name, queue.routingKey), ...more] };
}

const EXCHANGE_TYPES: readonly string[] = ['direct', 'topic', 'fanout', 'headers'];

export function exchangeSpec(exchange: Exchange): ExchangeSpec {
  if (!EXCHANGE_TYPES.includes(exchange.type)) {
    throw new ImproperlyConfigured(
      `the exchange ${JSON.stringify(exchange.name)} has the type ${JSON.stringify(exchange.type)}; expected one of ${EXCHANGE_TYPES.join(', ')}`,
    );
  }
  const { durable = true, autoDelete = false, arguments: given = {} } = exchange.options;
  return { name: exchange.name, type: exchange.type as WireExchangeType, durable, autoDelete, arguments: given as JsonObject };
}

function queueSpec(queue: Queue): QueueSpec {
  const { options } = queue;
  const given: Record<string, unknown> = {
    'x-expires': milliseconds(options.expires),
    'x-message-ttl': milliseconds(options.messageTtl),
    'x-max-length': options.maxLength,
    'x-max-length-bytes': options.maxLengthBytes,
    'x-max-priority': options.maxPriority,
    'x-queue-type': options.type,
    ...options.queueArguments,
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as JsonObject;
  return {
    name: queue.name,
    durable: options.durable ?? true,
    exclusive: options.exclusive ?? false,
    autoDelete: options.autoDelete ?? options.exclusive ?? false,
    arguments: present,
  };
}

const milliseconds = (duration: Duration | undefined): number | undefined => (duration === undefined ? undefined : durationMs(duration));
