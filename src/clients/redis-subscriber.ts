import type { Clock } from '../kernel/clock.ts';
import type { RedisConnection } from './redis.ts';

export type MessageListener = (message: Buffer, channel: string) => void;

/** Often enough that a connection which died without a sign is noticed well within a lease. */
const PING_MS = 5000;
/** What nobody listens to any more is given up after so long, or when it is so much: many at once cost little more than one. */
const LEAVE_MS = 100;
const MAX_UNHEARD = 500;

/** What is being listened to, until it is disposed of. */
export interface Listening extends Disposable {
  /** When the server has subscribed us. */
  readonly subscribed: Promise<unknown>;
}

/** One publish/subscribe connection for many listeners: a channel is subscribed to while somebody listens. Ends with its connection. */
export class RedisSubscriber {
  readonly connection: RedisConnection;
  /** `CLIENT ID`, asked for in time: a connection that is subscribed to something may not ask any more. */
  readonly id: number;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<MessageListener>>();
  /** Still subscribed to, though nobody listens. */
  readonly #unheard = { channels: new Set<string>(), patterns: new Set<string>() };
  #ping: Disposable | undefined;
  #leaving: Disposable | undefined;

  private constructor(connection: RedisConnection, id: number, clock: Clock) {
    this.connection = connection;
    this.id = id;
    this.#clock = clock;
    connection.onMessage((channel, message, pattern) => {
      for (const listener of this.#listeners.get(keyOf(pattern ?? channel, pattern !== undefined)) ?? []) listener(message, channel);
    });
    this.#planPing();
    void connection.closed.then(() => {
      this.#ping?.[Symbol.dispose]();
      this.#leaving?.[Symbol.dispose]();
    });
  }

  static async open(connection: RedisConnection, clock: Clock): Promise<RedisSubscriber> {
    return new RedisSubscriber(connection, Number(await connection.call('CLIENT', 'ID')), clock);
  }

  /** Resolves when the server has subscribed us: from then on nothing is missed. */
  async subscribe(channels: readonly string[], listener: MessageListener): Promise<AsyncDisposable> {
    const listening = this.listen(channels, listener);
    await listening.subscribed;
    return asyncDisposable(listening);
  }

  /** The same for whoever hears already what comes before all is subscribed, and has more to ask in the same breath. */
  listen(channels: readonly string[], listener: MessageListener): Listening {
    return this.#listen(channels, listener, false);
  }

  /** The same for a glob pattern. */
  async subscribePattern(pattern: string, listener: MessageListener): Promise<AsyncDisposable> {
    const listening = this.#listen([pattern], listener, true);
    await listening.subscribed;
    return asyncDisposable(listening);
  }

  #listen(names: readonly string[], listener: MessageListener, isPattern: boolean): Listening {
    // A function of our own, so that one given twice is heard twice.
    const own: MessageListener = (message, channel) => listener(message, channel);
    for (const name of names) {
      const key = keyOf(name, isPattern);
      const listeners = this.#listeners.get(key);
      if (listeners === undefined) this.#listeners.set(key, new Set([own]));
      else listeners.add(own);
    }
    const unheard = this.#unheardOf(isPattern);
    for (const name of names) unheard.delete(name);
    // In lower case, else ioredis does not recognise it. Asked each time, also for what is known: the answer tells that an earlier request has arrived.
    return { subscribed: this.#inPieces(isPattern ? 'psubscribe' : 'subscribe', names), [Symbol.dispose]: () => this.#leave(names, own, isPattern) };
  }

  #leave(names: readonly string[], own: MessageListener, isPattern: boolean): void {
    const unheard = this.#unheardOf(isPattern);
    for (const name of names) {
      const key = keyOf(name, isPattern);
      const listeners = this.#listeners.get(key);
      listeners?.delete(own);
      if (listeners?.size === 0 && this.#listeners.delete(key)) unheard.add(name);
    }
    if (unheard.size > MAX_UNHEARD) this.#giveUp();
    else if (unheard.size > 0) this.#leaving ??= this.#clock.schedule(LEAVE_MS, () => this.#giveUp(), { background: true });
  }

  #unheardOf(isPattern: boolean): Set<string> {
    return isPattern ? this.#unheard.patterns : this.#unheard.channels;
  }

  /** Nobody waits for the answer: nobody listens any more, and a later subscription comes after it on the same connection. */
  #giveUp(): void {
    this.#leaving?.[Symbol.dispose]();
    this.#leaving = undefined;
    const { channels, patterns } = this.#unheard;
    if (this.connection.isClosed) return;
    if (channels.size > 0) this.#inPieces('unsubscribe', [...channels]).catch(ignoreLoss);
    if (patterns.size > 0) this.#inPieces('punsubscribe', [...patterns]).catch(ignoreLoss);
    channels.clear();
    patterns.clear();
  }

  #inPieces(command: string, names: readonly string[]): Promise<unknown> {
    if (names.length <= 500) return this.connection.call(command, ...names);
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < names.length; i += 500) answers.push(this.connection.call(command, ...names.slice(i, i + 500)));
    return Promise.all(answers);
  }

  #planPing(): void {
    const ping = (): void => {
      if (this.connection.isClosed) return;
      this.connection.call('ping').catch(ignoreLoss);
      this.#planPing();
    };
    this.#ping = this.#clock.schedule(PING_MS, ping, { background: true });
  }
}

const asyncDisposable = (listening: Listening): AsyncDisposable => ({
  [Symbol.asyncDispose]() {
    listening[Symbol.dispose]();
    return Promise.resolve();
  },
});
const keyOf = (name: string, isPattern: boolean): string => (isPattern ? `p${name}` : `c${name}`);
/** Who owns the connection hears of its loss by `closed`; there is nothing more to unsubscribe from. */
const ignoreLoss = (): void => undefined;
