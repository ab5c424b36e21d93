import { exponentialBackoffMs } from '../../kernel/backoff.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import { bytesOf } from '../../serialization/body.ts';
import type { Channel, Delivery } from '../../transports/transport.ts';
import type { BackendOptions, BrokerRoad } from '../backend.ts';
import type { MetaFeed } from '../push-watch.ts';
import { KeptResults } from './kept-results.ts';

/**
 * The caller's half: one queue for all its results, under its own id, consumed without acknowledgement from the first call on. The broker removes it
 * with its last consumer, so after a lost connection it is declared again; what was answered in between is lost, as in Celery.
 */
export class ReplyQueue implements MetaFeed {
  readonly #options: BackendOptions;
  readonly #road: BrokerRoad;
  readonly #kept = new KeptResults();
  readonly #listeners = new Map<string, Set<(meta: ResultMeta) => void>>();
  readonly #closing = new AbortController();
  #channel: Channel | undefined;
  #opening: Promise<void> | undefined;

  constructor(options: BackendOptions, road: BrokerRoad) {
    this.#options = options;
    this.#road = road;
  }

  /** Undefined while answers can come; else resolves when they can. Rejects with OperationalError where the broker cannot be reached. */
  listening(): Promise<void> | undefined {
    if (this.#channel !== undefined) return undefined;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  last(taskId: string): ResultMeta | undefined {
    return this.#kept.tell(taskId);
  }

  forget(taskId: string): void {
    this.#kept.delete(taskId);
  }

  listen(taskIds: readonly string[], listener: (meta: ResultMeta) => void): Disposable {
    for (const id of taskIds) this.#listeners.set(id, (this.#listeners.get(id) ?? new Set()).add(listener));
    return {
      [Symbol.dispose]: () => {
        for (const id of taskIds) {
          const listeners = this.#listeners.get(id);
          listeners?.delete(listener);
          if (listeners?.size === 0) this.#listeners.delete(id);
        }
      },
    };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the result backend was closed'));
    await Promise.allSettled([this.#opening]);
    const channel = this.#channel;
    this.#channel = undefined;
    // The queue goes with its last consumer.
    await channel?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    const { expiresMs } = this.#options;
    const name = this.#road.replyTo;
    const channel = await this.#road.openChannel(this.#closing.signal);
    let cancelled: Error | undefined;
    const onCancelled = (reason: Error): void => {
      cancelled = reason;
      this.#lost(channel, reason);
    };
    try {
      await channel.declareQueue({ name, durable: true, exclusive: false, autoDelete: true, arguments: expiresMs === null ? {} : { 'x-expires': expiresMs } });
      // Without a prefetch limit: it would not hold back what needs no ack, and RabbitMQ would ask for leave before each result all the same (decision 8).
      await channel.consume(name, (delivery) => this.#hear(delivery), { noAck: true, onCancelled });
      // As soon as it had begun: the channel is not ours yet, and so was not lost.
      if (cancelled !== undefined) throw cancelled;
    } catch (error) {
      await channel[Symbol.asyncDispose]();
      throw error;
    }
    if (this.#closing.signal.aborted) return channel[Symbol.asyncDispose]();
    this.#channel = channel;
    void channel.closed.then((reason) => this.#lost(channel, reason));
  }

  #lost(channel: Channel, reason: Error | undefined): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#options.log.warn('results cannot reach this process until its reply queue is there again; those sent meanwhile are lost', { error: reason });
    // It may be open still: then only its consumer is gone.
    channel[Symbol.asyncDispose]().then(undefined, () => undefined);
    void this.#reopen();
  }

  async #reopen(): Promise<void> {
    const { clock, log } = this.#options;
    for (let failures = 0; !this.#closing.signal.aborted && this.#channel === undefined; failures++) {
      try {
        await this.listening();
        return log.info('results reach this process again');
      } catch (error) {
        log.debug('the reply queue is not there yet', { error });
        await new Promise<void>((resolve) => {
          clock.schedule(exponentialBackoffMs(failures, { factorMs: 200, maxMs: 10_000 }), resolve, { background: true });
        });
      }
    }
  }

  #hear({ message }: Delivery): void {
    let meta: ResultMeta;
    try {
      const { body } = message;
      meta = this.#options.codec.decode('text' in body && !isCompressed(body.text) ? body.text : bytesOf(body), message);
    } catch (error) {
      this.#options.log.error(`a result of task ${message.properties.correlationId ?? '(unnamed)'} cannot be read`, { error });
      return;
    }
    // Messages of one task come in order; after a crash a task may run twice, and then the first success counts.
    if (this.#kept.isSuccess(meta.task_id)) return;
    const listeners = [...(this.#listeners.get(meta.task_id) ?? [])];
    this.#kept.keep(meta, lengthOf(message.body), listeners.length > 0);
    for (const listener of listeners) listener(meta);
  }
}

const lengthOf = (body: Delivery['message']['body']): number => ('text' in body ? body.text.length : bytesOf(body).length);

/** Ours begin with a zero byte, and are read as bytes. */
const isCompressed = (text: string): boolean => text.startsWith('\0');
