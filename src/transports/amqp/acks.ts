import type { AmqpChannel } from '../../clients/amqp/channel.ts';
import { deferred, type Deferred } from '../../kernel/deferred.ts';
import type { Verdict } from '../transport.ts';

/** Out-of-order acks that may wait for an older message before they go out one by one. */
const MAX_WAITING = 64;

/**
 * The verdicts of one channel. Acks of the contiguous finished prefix leave once a tick as a single `multiple` ack (measured: half the cost and more
 * at the broker); those that an older, still running message holds back go singly with the next tick. All settles of a tick share one promise.
 */
export class Acks {
  readonly #channel: AmqpChannel;
  /** Delivery tags in hand, oldest first; true once it is to be acked. */
  readonly #inHand = new Map<number, boolean>();
  #waiting: number[] = [];
  #tick: Deferred<void> | undefined;
  #hasHeldBack = false;

  constructor(channel: AmqpChannel) {
    this.#channel = channel;
    void channel.closed.then(() => this.#inHand.clear());
  }

  delivered(tag: number): void {
    this.#inHand.set(tag, false);
  }

  settle(tag: number, verdict: Verdict): Promise<void> {
    // Settled before, or the channel it came by is gone: the broker has given it to somebody else.
    if (this.#inHand.get(tag) !== false) return Promise.resolve();
    if (verdict === 'ack') this.#inHand.set(tag, true);
    else {
      this.#inHand.delete(tag);
      if (verdict === 'dead') this.#channel.send('basic.reject', { deliveryTag: tag, requeue: false });
      else this.#channel.send('basic.nack', { deliveryTag: tag, requeue: true });
      return Promise.resolve();
    }
    this.#waiting.push(tag);
    return this.#flushSoon();
  }

  #flushSoon(): Promise<void> {
    if (this.#tick === undefined) {
      this.#tick = deferred();
      setImmediate(() => {
        const tick = this.#tick!;
        this.#tick = undefined;
        this.#flush();
        tick.resolve();
      });
    }
    return this.#tick.promise;
  }

  #flush(): void {
    let last = 0;
    for (const [tag, isDone] of this.#inHand) {
      if (!isDone) break;
      this.#inHand.delete(tag);
      last = tag;
    }
    if (last > 0) this.#channel.send('basic.ack', { deliveryTag: last, multiple: true });
    this.#waiting = this.#waiting.filter((tag) => this.#inHand.has(tag));
    if (this.#waiting.length === 0) {
      this.#hasHeldBack = false;
      return;
    }
    if (!this.#hasHeldBack && this.#waiting.length <= MAX_WAITING) {
      this.#hasHeldBack = true;
      void this.#flushSoon();
      return;
    }
    for (const tag of this.#waiting.splice(0)) {
      this.#inHand.delete(tag);
      this.#channel.send('basic.ack', { deliveryTag: tag });
    }
    this.#hasHeldBack = false;
  }
}
