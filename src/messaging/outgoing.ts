import type { WireMessage } from '../protocol/wire-message.ts';
import type { Binding, ExchangeSpec, PublishOptions, QueueSpec } from '../transports/transport.ts';

/** A message routed and encoded: nothing is left to decide. Plain data, so that a child can hand it to its parent. */
export interface OutgoingMessage {
  readonly message: WireMessage;
  readonly exchange: string;
  readonly routingKey: string;
  readonly options: PublishOptions;
  /** Goes through the ladder of native delayed delivery, where the transport has one; what the ladder's queues are, if it must be declared. */
  readonly delay?: { readonly queueType: 'classic' | 'quorum' } | undefined;
  /** To be declared first, once per connection. */
  readonly declare?: Declaration | undefined;
  /** How often to try, and for how long to wait between; null: once. */
  readonly retryPolicy?: OutgoingRetryPolicy | null | undefined;
}

/** kombu's `retry_policy`, in milliseconds. */
export interface OutgoingRetryPolicy {
  readonly maxRetries: number | null;
  readonly intervalStartMs: number;
  readonly intervalStepMs: number;
  readonly intervalMaxMs: number;
  /** Try again after these too, beside the loss of the broker. Only on messages that stay in this process: classes do not travel. */
  readonly retryErrors?: readonly (abstract new (...args: never[]) => Error)[] | undefined;
}

/** A queue with the exchange and bindings that lead to it. */
export interface Declaration {
  readonly queue?: QueueSpec | undefined;
  readonly exchange?: ExchangeSpec | undefined;
  readonly bindings: readonly Binding[];
}
