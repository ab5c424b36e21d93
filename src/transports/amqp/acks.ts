import type { AmqpChannel } from '../../clients/amqp/channel.ts';
import { deferred, type Deferred } from '../../kernel/deferred.ts';
import { LinkedSet } from '../../kernel/linked-set.ts';
import type { Verdict } from '../transport.ts';
import type { AmqpDelivery, Settling } from './delivery.ts';

/** Out-of-order acks that may wait for an older message before they go out one by one. */
const MAX_WAITING = 64;

/**
 * The verdicts of one channel. Acks of the contiguous finished prefix leave once a tick as a single `multiple` ack (measured: half the cost and more
 * at the broker); those that an older, still running message holds back go singly with the next tick. All settles of a tick share one promise.
 */
export class Acks implements Settling {
  readonly #channel: AmqpChannel;
  /** Oldest first. */
  readonly #inHand = new LinkedSet<AmqpDelivery>();
  /** Those in hand that are to be acked. */
  #waiting = 0;
  #tick: Deferred<void> | undefined;
  #hasHeldBack = false;
  #newest = 0;

  constructor(channel: AmqpChannel) {
    this.#channel = channel;
    void channel.closed.then(() => {
      this.#inHand.clear();
      this.#waiting = 0;
    });
  }

  delivered(delivery: AmqpDelivery): void {
    this.#inHand.add(delivery);
    this.#newest = delivery.tag;
  }

  /** The tag of what came last; 0: nothing has come. */
  get newest(): number {
    return this.#newest;
  }

  /** Whether something up to this tag is still in hand. */
  holdsUpTo(tag: number): boolean {
    return (this.#inHand.first?.tag ?? Infinity) <= tag;
  }

  settle(delivery: AmqpDelivery, verdict: Verdict): Promise<void> {
    // Settled before, or the channel it came by is gone: the broker has given it to somebody else.
    if (delivery.isDone || !this.#inHand.has(delivery)) return DONE;
    if (verdict === 'ack') {
      delivery.isDone = true;
      this.#waiting += 1;
      return this.#flushSoon();
    }
    this.#inHand.delete(delivery);
    if (verdict === 'dead') this.#channel.send('basic.reject', { deliveryTag: delivery.tag, requeue: false });
    else this.#channel.send('basic.nack', { deliveryTag: delivery.tag, requeue: true });
    return DONE;
  }

  #flushSoon(): Promise<void> {
    if (this.#tick === undefined) {
      this.#tick = deferred();
      this.#planFlush();
    }
    return this.#tick.promise;
  }

  #planFlush(): void {
    setImmediate(() => {
      this.#flush();
      // Whoever is told that it is settled may close the channel, and what has not left by then never will.
      if (this.#hasHeldBack) return this.#planFlush();
      this.#tick?.resolve();
      this.#tick = undefined;
    });
  }

  #flush(): void {
    let last = 0;
    for (let first = this.#inHand.first; first?.isDone === true; first = this.#inHand.first) {
      last = first.tag;
      this.#acked(first);
    }
    if (last > 0) this.#channel.send('basic.ack', { deliveryTag: last, multiple: true });
    if (this.#waiting > 0 && !this.#hasHeldBack && this.#waiting <= MAX_WAITING) {
      this.#hasHeldBack = true;
      return;
    }
    this.#hasHeldBack = false;
    if (this.#waiting === 0) return;
    for (const delivery of this.#inHand) {
      if (!delivery.isDone) continue;
      this.#channel.send('basic.ack', { deliveryTag: delivery.tag });
      this.#acked(delivery);
    }
  }

  #acked(delivery: AmqpDelivery): void {
    this.#inHand.delete(delivery);
    this.#waiting -= 1;
  }
}

const DONE: Promise<void> = Promise.resolve();
