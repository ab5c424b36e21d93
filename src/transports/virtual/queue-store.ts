import type { Binding, ExchangeType, QueueSpec, Verdict } from '../transport.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
/**
 * What a plain store must offer to become a transport. virtual/ adds exchanges, prefetch, priorities of queues, redelivery and the lease's clock.
 * A store batches by itself: `put`, `settle` and `park` of one tick may share one command and one promise, and settles may travel with the next `reserve`.
 */
export interface QueueStore extends AsyncDisposable {
  /** Settles with the reason when the server went away by itself; a store that only notices while it is asked leaves it out and rejects with OperationalError then. */
  readonly closed?: Promise<Error>;
  /** From ConnectOptions. What a blocking take had moved when a connection broke is found again under it. */
  readonly owner: string;
  createQueue(queue: QueueSpec): Promise<void>;
  deleteQueue(queue: string): Promise<void>;
  put(queue: string, message: WireMessage, options?: PutOptions): Promise<void>;
  /**
   * Takes up to `max` messages and records them as held, in one atomic step; waits up to `waitMs` for the first. When `signal` aborts it stops
   * waiting and resolves with what it has taken, even if that is nothing: it never rejects for that, and never drops one.
   * An envelope that cannot be read comes as a message of type `application/octet-stream`, so that one rule handles all that is foreign.
   * The list is the caller’s, who may empty it.
   */
  reserve(queues: readonly string[], options: { readonly max: number; readonly waitMs: number; readonly signal: AbortSignal }): Promise<Reservation[]>;
  settle(reservation: Reservation, verdict: Verdict): Promise<void>;
  park?(reservation: Reservation, untilMs: number): Promise<void>;
  /** Extends the one lease of all that `owner` holds. False: a peer has declared it lost, and nothing held is ours any more. Also called from the lease thread's own store. */
  renew(leaseMs: number): Promise<boolean>;
  /**
   * Asked before anything is reserved, by the first store of `owner` that is about to (none other takes meanwhile): puts back (as 'return' does) what it holds in the store but not in `known`,
   * the ids of the reservations that it remembers. Those are takes whose answer was lost with the old connection. Returns how many.
   * `reservations` are those of `known`, for stores that hand out what they have not recorded as held yet.
   */
  reconcile?(known: ReadonlySet<string>, reservations?: readonly Reservation[]): Promise<number>;
  /** Declares owners lost that were gone at two looks, puts back what they held, each message once, and what is due of the parked. Returns how many. */
  recover(max: number): Promise<number>;
  /**
   * Puts back what stores of this owner had taken whose connections were lost, and which is not known here: the server may carry out a request long after we have given it up.
   * Asked at each look for lost owners. `known` gives the ids that are remembered now. Returns how many.
   */
  returnStrays?(known: () => ReadonlySet<string>): Promise<number>;
  /** Makes due now what is parked, or not due yet, of these tasks (header `id`). Returns how many. */
  recall?(taskIds: readonly string[]): Promise<number>;
  size(queue: string): Promise<number>;
  purge(queue: string): Promise<number>;
  /** `type` is the exchange's, where this process knows it: some layouts store a topic's pattern beside its key. */
  readonly bindings: {
    add(binding: Binding, type?: ExchangeType): Promise<void>;
    remove(binding: Binding): Promise<void>;
    of(exchange: string): Promise<readonly Binding[]>;
  };
  /** Present where the store has publish/subscribe; without it a transport has no fanout. */
  readonly broadcast?: Broadcast;
}

/** A topic is `<exchange>`, or `<exchange>/<routing key>` where the key is not empty: kombu's channel names on Redis without their prefix. */
export interface Broadcast {
  publish(topic: string, message: WireMessage, route?: Route): Promise<void>;
  /** In this topic a `*` stands for any text (kombu has made it of `#`). `route` is the message's own, where the store carries it. */
  subscribe(topic: string, onMessage: (message: WireMessage, route?: Route) => void): Promise<AsyncDisposable>;
}

/** How a message was addressed; goes into the envelope as kombu's `delivery_info`. */
export interface Route {
  readonly exchange: string;
  readonly routingKey: string;
}

export interface PutOptions {
  readonly notBeforeMs?: number;
  /** Left out: exchange "" and the queue's name. */
  readonly route?: Route;
}
export interface Reservation {
  readonly id: string;
  readonly queue: string;
  readonly message: WireMessage;
  readonly redelivered: boolean;
  /** As it was put; left out: exchange "" and the queue's name. */
  readonly route?: Route;
}
