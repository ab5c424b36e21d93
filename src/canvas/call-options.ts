/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { Instant } from '../errors.ts';
import type { Duration } from '../kernel/duration.ts';
import type { DeliveryMode, Exchange, ExchangeType, Queue } from '../messaging/entities.ts';
import type { Json } from '../protocol/json.ts';
import type { CompressionName, SerializerName } from '../serialization/registry.ts';
import type { Errback } from './errback.ts';
import type { Signature } from './signature.ts';
export type { DeliveryMode } from '../messaging/entities.ts';

export type OneOrMore<T> = T | readonly T[];
export type ErrorClass = abstract new (...args: never[]) => Error;

/** How often a publish is tried again when the broker is away, and how long to wait between: kombu's `retry_policy`. */
export interface RetryPolicy {
  /** Null for ever. Default 3. */
  readonly maxRetries?: number | null;
  /** Before the first repeat. Default 0. */
  readonly intervalStart?: Duration;
  /** Added for each further one. Default 0.2 seconds. */
  readonly intervalStep?: Duration;
  /** At most so long. Default 0.2 seconds. */
  readonly intervalMax?: Duration;
  /** After these errors too; default: when the broker cannot be reached. For one call, or in `taskPublishRetryPolicy`; classes cannot be written down in signatures. */
  readonly retryErrors?: readonly ErrorClass[];
}

/** Where a call goes and how it is packed. Routes of `taskRoutes` give these, options of a task may, options of a call win. */
export interface RouteOptions {
  readonly queue?: string | Queue;
  readonly exchange?: string | Exchange;
  readonly exchangeType?: ExchangeType;
  readonly routingKey?: string;
  readonly priority?: number;
  readonly deliveryMode?: DeliveryMode;
  readonly serializer?: SerializerName;
  readonly compression?: CompressionName;
  /** Other message properties, as they are: `messageGroupId` on SQS, `appId` on AMQP. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Options of one call. `R` is the result, which `link` receives. */
export interface ApplyOptions<R = any> extends RouteOptions {
  /** Default: a new UUID. */
  readonly taskId?: string;
  /** Not before so long from now. */
  readonly countdown?: Duration;
  /** Not before this moment. */
  readonly eta?: Instant | string;
  /** Not after so long from now, or not after this moment: the task is then revoked. */
  readonly expires?: Duration | Instant;
  /** Called with the result. */
  readonly link?: OneOrMore<Signature<[R], unknown>>;
  /** Called when the task fails: a signature with the task's id, an errback with request, error and traceback. */
  readonly linkError?: OneOrMore<Signature<[taskId: string], unknown> | Errback>;
  readonly headers?: Readonly<Record<string, Json>>;
  readonly stamps?: Readonly<Record<string, Json>>;
  /** Try again when the broker is away. Default: `taskPublishRetry`. */
  readonly retry?: boolean;
  readonly retryPolicy?: RetryPolicy;
  /** Null clears the task's own. */
  readonly timeLimit?: Duration | null;
  readonly softTimeLimit?: Duration | null;
  readonly ignoreResult?: boolean;
  /** Whether the running task, if the call is made inside one, counts this as its child. Default true. */
  readonly addToParent?: boolean;
  /** The name to show in logs and monitors. */
  readonly shadow?: string;
  readonly argsrepr?: string;
  readonly kwargsrepr?: string;
  readonly rootId?: string;
  readonly parentId?: string;
  readonly replyTo?: string;
  /** Gives up waiting for the broker. */
  readonly signal?: AbortSignal;
  readonly timeout?: Duration;
}

/** Options of a call by name. */
export interface SendOptions<R = any> extends ApplyOptions<R> {
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** Options of a call that is run here and now. */
export interface EagerOptions {
  readonly taskId?: string;
  readonly retries?: number;
  /** Throw the task's error. Default: `taskEagerPropagates`. */
  readonly throw?: boolean;
  readonly headers?: Readonly<Record<string, Json>>;
}
