import type { Clock } from '../kernel/clock.ts';
import type { RedisConnection } from './redis.ts';

export type MessageListener = (message: Buffer, channel: string) => void;

/** Often enough that a connection which died without a sign is noticed well within a lease. */
const PING_MS = 5000;

/** One publish/subscribe connection for many listeners: a channel is subscribed to while somebody listens. Ends with its connection. */
export class RedisSubscriber {
  readonly connection: RedisConnection;
  /** `CLIENT ID`, asked for in time: a connection that is subscribed to something may not ask any more. */
  readonly id: number;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<MessageListener>>();
  #ping: Disposable | undefined;

  private constructor(connection: RedisConnection, id: number, clock: Clock) {
    this.connection = connection;
    this.id = id;
    this.#clock = clock;
    connection.onMessage((channel, message, pattern) => {
      for (const listener of this.#listeners.get(keyOf(pattern ?? channel, pattern !== undefined)) ?? []) listener(message, channel);
    });
    this.#planPing();
    void connection.closed.then(() => this.#ping?.[Symbol.dispose]());
  }

  static async open(connection: RedisConnection, clock: Clock): Promise<RedisSubscriber> {
    return new RedisSubscriber(connection, Number(await connection.call('CLIENT', 'ID')), clock);
  }

  /** Resolves when the server has subscribed us: from then on nothing is missed. */
  subscribe(channel: string, listener: MessageListener): Promise<AsyncDisposable> {
    return this.#listen(channel, listener, false);
  }

  /** The same for a glob pattern. */
  subscribePattern(pattern: string, listener: MessageListener): Promise<AsyncDisposable> {
    return this.#listen(pattern, listener, true);
  }

  async #listen(name: string, listener: MessageListener, isPattern: boolean): Promise<AsyncDisposable> {
    const key = keyOf(name, isPattern);
    const listeners = this.#listeners.get(key) ?? new Set();
    // A function of our own, so that one given twice is heard twice.
    const own: MessageListener = (message, channel) => listener(message, channel);
    listeners.add(own);
    this.#listeners.set(key, listeners);
    // In lower case, else ioredis does not recognise it. Asked each time, also while it is known: the answer tells that an earlier request has arrived.
    await this.connection.call(isPattern ? 'psubscribe' : 'subscribe', name);
    return {
      [Symbol.asyncDispose]: async () => {
        listeners.delete(own);
        if (listeners.size > 0 || this.#listeners.get(key) !== listeners) return;
        this.#listeners.delete(key);
        if (!this.connection.isClosed) await this.connection.call(isPattern ? 'punsubscribe' : 'unsubscribe', name).catch(ignoreLoss);
      },
    };
  }

  #planPing(): void {
    this.#ping = this.#clock.schedule(PING_MS, () => {
      if (this.connection.isClosed) return;
      this.connection.call('ping').catch(ignoreLoss);
      this.#planPing();
    });
  }
}

const keyOf = (name: string, isPattern: boolean): string => (isPattern ? `p${name}` : `c${name}`);
/** Who owns the connection hears of its loss by `closed`; there is nothing more to unsubscribe from. */
const ignoreLoss = (): void => undefined;
