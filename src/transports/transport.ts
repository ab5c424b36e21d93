import type { TlsOptions } from '../clients/tls.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { WireMessage } from '../protocol/wire-message.ts';

/** A kind of broker: how to reach one, and what it can do. */
export interface Transport {
  readonly name: string;
  readonly capabilities: TransportCapabilities;
  connect(options: ConnectOptions): Promise<BrokerConnection>;
}

/** Ask these, never the transport's name. */
export interface TransportCapabilities {
  readonly exchangeTypes: ReadonlySet<ExchangeType>;
  /** 0 when messages have no priority. */
  readonly priorityLevels: number;
  readonly messageTtl: boolean;
  /**
   * 'publish': the broker holds a message back from `notBeforeMs` on. 'park': it comes at once, and a worker may park it.
   * 'ladder': through exchanges made for it, where its queues are quorum queues (`messaging/delayed-delivery.ts`).
   */
  readonly delayedDelivery: false | 'publish' | 'park' | 'ladder';
  readonly heartbeats: boolean;
  /** Messages in our hands stay ours over a lost connection, as long as the lease does: all but AMQP. */
  readonly holdsOutliveConnection: boolean;
  /** The exchange type to announce things through (events, gossip, remote control); false when nobody would hear. */
  readonly broadcast: false | 'topic' | 'fanout';
  /**
   * How soon a queue with messages gets its turn on a channel that has room for one: within so many deliveries for each queue of the channel. Default: 2, which is
   * strict turns. RabbitMQ draws lots, so there it is what no bad luck in 10^9 draws exceeds.
   */
  readonly fairWithin?: number;
}
export type ExchangeType = 'direct' | 'topic' | 'fanout' | 'headers';

export interface ConnectOptions {
  readonly url: URL;
  /** Whose holds these are: one id for the life of a process. Connections that follow one another under it share its holds; settles made in between wait. */
  readonly owner: string;
  readonly timeoutMs: number;
  readonly heartbeatMs: number;
  readonly transportOptions: JsonObject;
  /** `brokerUseSsl`. */
  readonly tls?: boolean | TlsOptions | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** What this connection is for; goes into its name at the broker: `worker`, `publish`. */
  readonly role: string;
  /** The worker's node name, where there is one. */
  readonly hostname?: string | undefined;
  /** Whether a small thread renews the lease while the event loop is blocked. Default: for the role `worker`; not needed where no user code runs in this process (prefork, threads). */
  readonly leaseThread?: boolean | undefined;
  /** A message larger than this is never handed out whole: it comes as a foreign one (`brokerMaxMessageBytes`). */
  readonly maxMessageBytes: number;
  /** Ends the attempt; and later tells that no further connection will follow this one, so that settles need not wait for it. */
  readonly signal: AbortSignal;
}

export interface BrokerConnection extends AsyncDisposable {
  /** Settles once: with nothing after a close of ours, with the reason when the broker went away. */
  readonly closed: Promise<Error | undefined>;
  openChannel(): Promise<Channel>;
  /** How sure we are of what we hold; absent where holds end with the connection (AMQP). */
  readonly lease?: LeaseWatch;
  /** Makes what waits in the broker for its time due now, of these tasks: it has been revoked, and whoever takes it will say so. Absent where what is not due cannot be found. Resolves with how many. */
  recall?(taskIds: readonly string[]): Promise<number>;
  /** Tells when the broker stops and resumes taking publishes (RabbitMQ's memory alarm). */
  onBlocked?(listener: (reason: string | undefined) => void): Disposable;
}

/** The lease under which this process holds messages (decisions.md 18–20). */
export interface LeaseWatch {
  /** False while the last renewal is older than the lease: peers may have declared us lost, so nothing new is to be started until this is true again. */
  readonly isCertain: boolean;
  /**
   * Heard when peers have put back all that we held: forget what has not been started. Settling any of it does nothing from now on.
   * The connection then closes with an error; the next one under the same `owner` holds under a new id.
   */
  onLost(listener: (reason: Error) => void): Disposable;
}

/** AMQP 0-9-1's model, as small as Celery's semantics allow. Native in amqp/, emulated by virtual/. */
export interface Channel extends AsyncDisposable {
  /** Settles once, as the connection's does: a refused declaration closes the channel, not the connection. */
  readonly closed: Promise<Error | undefined>;
  declareExchange(exchange: ExchangeSpec): Promise<void>;
  declareQueue(queue: QueueSpec): Promise<QueueInfo>;
  /** Looks without declaring; undefined when there is none. */
  queueInfo(queue: string): Promise<QueueInfo | undefined>;
  bind(binding: Binding): Promise<void>;
  unbind(binding: Binding): Promise<void>;
  /** Exchange to exchange, where the broker can (native delay). */
  bindExchange?(binding: { readonly destination: string; readonly source: string; readonly routingKey: string }): Promise<void>;
  deleteQueue(queue: string): Promise<void>;
  deleteExchange(exchange: string): Promise<void>;
  purge(queue: string): Promise<number>;
  /** Resolves when the broker has taken responsibility; calls of one tick may share one promise and one command. */
  publish(message: WireMessage, exchange: string, routingKey: string, options?: PublishOptions): Promise<void>;
  get(queue: string): Promise<Delivery | undefined>;
  /** Disposing stops new deliveries; those in hand stay ours. */
  consume(queue: string, onDelivery: (delivery: Delivery) => void, options?: ConsumeOptions): Promise<AsyncDisposable>;
  /** How many messages we may hold. Cheap to call often: the worker opens it by free slots, and wider while tasks prove short, up to `most`. 0 stops. */
  setPrefetch(count: number, most?: number): void;
}
export interface ExchangeSpec {
  readonly name: string;
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: JsonObject;
}
export interface QueueSpec {
  readonly name: string;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: JsonObject;
}
export interface QueueInfo {
  readonly name: string;
  readonly messages: number;
  readonly consumers: number;
}
export interface Binding {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly arguments: JsonObject;
}
export interface PublishOptions {
  readonly notBeforeMs?: number;
  readonly mandatory?: boolean;
}
export interface ConsumeOptions {
  readonly noAck?: boolean;
  readonly exclusive?: boolean;
  readonly arguments?: JsonObject;
  /** The broker ended this consumer (queue deleted, node down); nothing more will come. */
  readonly onCancelled?: (reason: Error) => void;
}

/**
 * ack: done with. requeue: for anyone again, behind the others (Reject with requeue). return: never started, next to be taken again
 * (shutdown, dead child). Both mark it redelivered, as kombu does. dead: not to be run; kept where dead letters go, if there is a place.
 */
export type Verdict = 'ack' | 'requeue' | 'return' | 'dead';

/** A message in our hands: ours until settled, or until the lease (AMQP: the connection) is lost. */
export interface Delivery {
  readonly message: WireMessage;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  /** Why the envelope of this message could not be read; then its labels and headers are empty, and it can only be refused. */
  readonly unreadable?: Error | undefined;
  /** Never lost, never urgent: may travel with the next take and share its promise. Settling what is no longer ours does nothing. */
  settle(verdict: Verdict): Promise<void>;
  /** Out of sight, and out of our hands and prefetch, until then; any worker gets it after. Absent unless `delayedDelivery` is 'park'. */
  readonly park?: ((untilMs: number) => Promise<void>) | undefined;
}
