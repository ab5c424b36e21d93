import type { WireMessage } from '../../protocol/wire-message.ts';
import type { Delivery, TransportCapabilities, Verdict } from '../transport.ts';
import type { ConsumeLoop } from './consume-loop.ts';
import type { Ending, Hold, Holds } from './holds.ts';
import type { QueueStore, Route } from './queue-store.ts';

const DONE: Promise<void> = Promise.resolve();

interface DeliveryParts {
  readonly store: QueueStore;
  readonly capabilities: TransportCapabilities;
  readonly holds: Holds;
}

/** A message held in the store. A class, because there is one for each message: methods are shared, nothing is closed over. */
export class HeldDelivery implements Delivery {
  readonly message: WireMessage;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly #hold: Hold;
  readonly #parts: DeliveryParts;
  /** The prefetch it counts against; none for `get`. */
  #loop: ConsumeLoop | undefined;

  constructor(hold: Hold, parts: DeliveryParts, loop: ConsumeLoop | undefined) {
    const { reservation } = hold;
    this.message = reservation.message;
    this.queue = reservation.queue;
    this.exchange = reservation.route?.exchange ?? '';
    this.routingKey = reservation.route?.routingKey ?? reservation.queue;
    this.redelivered = reservation.redelivered;
    this.#hold = hold;
    this.#parts = parts;
    this.#loop = loop;
  }

  /** Made when asked for, which is seldom. */
  get park(): ((untilMs: number) => Promise<void>) | undefined {
    return this.#parts.capabilities.delayedDelivery === 'park' ? (untilMs) => this.#end({ parkUntilMs: untilMs }) : undefined;
  }

  settle(verdict: Verdict): Promise<void> {
    return this.#end(verdict);
  }

  #end(ending: Ending): Promise<void> {
    this.#loop?.release();
    this.#loop = undefined;
    return this.#parts.holds.end(this.#hold, ending, this.#parts.store);
  }
}

/** A message that everybody hears: nobody holds it, so there is nothing to settle. */
export function broadcastDelivery(message: WireMessage, queue: string, route: Route): Delivery {
  return { message, queue, exchange: route.exchange, routingKey: route.routingKey, redelivered: false, settle: () => DONE };
}
