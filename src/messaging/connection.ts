import { CeleryError, OperationalError } from '../errors.ts';
import { maskText, maskUrl } from '../kernel/broker-url.ts';
import { Emitter } from '../kernel/emitter.ts';
import { retryWaitMs } from '../kernel/retry.ts';
import type { BrokerConnection, ConnectOptions, Transport } from '../transports/transport.ts';
import type { BrokerLink } from './link.ts';

export interface LinkOptions extends Omit<ConnectOptions, 'url' | 'signal'> {
  readonly transport: Transport;
  /** In order of failover; at least one. */
  readonly urls: readonly URL[];
  /** After how many failed rounds through the URLs `connection` gives up; null: never. */
  readonly maxRetries: number | null;
  /** Called before each round: the order in which the URLs are tried (`brokerFailoverStrategy`). Default: as given, beginning with the one that worked last. */
  readonly order?: ((urls: readonly URL[]) => readonly URL[]) | undefined;
  /** For tests. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

/** kombu's waits between rounds of attempts: 2 seconds, 2 more each time, at most 30. */
const WAITS = { maxRetries: null, intervalStartMs: 2000, intervalStepMs: 2000, intervalMaxMs: 30_000 };
/** A connection that is lost sooner than this has not healed anything: whatever ended it may end the next one, too. */
const STEADY_MS = 5000;
/**
 * The waits after such losses in a row. One alone is an accident, such as a node that restarts once more: none. Short, so that a server which somebody
 * restarts again and again has its workers back within seconds each time, and long enough that one which ends every connection costs next to nothing.
 */
const SHORT_LIVED_WAITS = { ...WAITS, intervalStartMs: 0, intervalStepMs: 500, intervalMaxMs: 2000 };
/** In between the broker is looked for this often, give or take a quarter: neither counted nor told, so that a long outage ends seconds after the broker is back. */
const LOOK_MS = 2000;
/** A driver that has not answered this long after its own time limit is given up. */
const GRACE_MS = 1000;

/** A road to the broker that heals itself; nothing connects before somebody asks for a connection. */
export function openLink(options: LinkOptions): BrokerLink {
  return new Link(options);
}

class Link implements BrokerLink {
  readonly transport: Transport;
  readonly #options: LinkOptions;
  readonly #lost = new Emitter<Error>();
  readonly #closing = new AbortController();
  #connection: BrokerConnection | undefined;
  #attempt: Promise<BrokerConnection> | undefined;
  #url: URL;
  #wasConnected = false;
  /** How many connections in a row were lost within STEADY_MS; the next one is not opened before `#notBeforeMs`. */
  #shortLived = 0;
  #notBeforeMs = 0;

  constructor(options: LinkOptions) {
    this.transport = options.transport;
    this.#options = options;
    this.#url = options.urls[0]!;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  get address(): string {
    return maskUrl(this.#url);
  }

  connection(signal?: AbortSignal): Promise<BrokerConnection> {
    if (this.#closing.signal.aborted) return Promise.reject(new OperationalError(`the link to ${this.address} is closed`));
    if (this.#connection !== undefined) return Promise.resolve(this.#connection);
    this.#attempt ??= this.#connect().finally(() => {
      this.#attempt = undefined;
    });
    return signal === undefined ? this.#attempt : abortable(this.#attempt, signal, () => `gave up waiting for ${this.address}`);
  }

  onLost(listener: (reason: Error) => void): Disposable {
    return this.#lost.on(listener);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new OperationalError(`the link to ${this.address} is closed`));
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Rounds through all URLs until one answers. */
  async #connect(): Promise<BrokerConnection> {
    const { clock, log, maxRetries } = this.#options;
    const pauseMs = this.#notBeforeMs - clock.monotonic();
    if (pauseMs > 0) await clock.sleep(pauseMs, this.#closing.signal);
    for (let attempt = 0; ; attempt++) {
      try {
        return this.#use(await this.#round());
      } catch (error) {
        if (error instanceof CeleryError && !(error instanceof OperationalError)) throw error;
        if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
        const failed = this.#failed(error);
        if (maxRetries !== null && attempt >= maxRetries) throw new OperationalError(failed, { cause: error });
        const waitMs = retryWaitMs(WAITS, attempt);
        const early = waitMs > LOOK_MS ? ', or as soon as it answers' : '';
        log.error(`${failed}. Trying again in ${(waitMs / 1000).toFixed(2)} seconds${early} (${attempt + 1}/${maxRetries ?? '∞'})`);
        const found = await this.#lookUntil(clock.monotonic() + waitMs);
        if (found !== undefined) return this.#use(found);
      }
    }
  }

  /** Drivers say themselves where they could not get: of one server that need not be said twice, of several it tells which was the last. */
  #failed(error: unknown): string {
    const { urls } = this.#options;
    const reason = maskText(error instanceof Error ? error.message : String(error));
    const why = urls.length > 1 ? reason : reason.replace(/^cannot (?:reach|connect to) \S+: /, '');
    return `cannot connect to ${urls.map((url) => maskUrl(url)).join(', ')}: ${why}`;
  }

  /** Waits until then, or until the broker answers: undefined when it did not. The round that ends the wait is the caller's. */
  async #lookUntil(untilMs: number): Promise<BrokerConnection | undefined> {
    const { clock, log, random = Math.random } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      const leftMs = untilMs - clock.monotonic();
      if (leftMs <= LOOK_MS) {
        if (leftMs > 0) await clock.sleep(leftMs, signal);
        return undefined;
      }
      // Not all at once, of those that have lost it at once.
      await clock.sleep(Math.min(leftMs, LOOK_MS * (0.75 + random() / 2)), signal);
      try {
        return await this.#round();
      } catch (error) {
        if (signal.aborted || (error instanceof CeleryError && !(error instanceof OperationalError))) throw error;
        log.debug('the broker is not there yet', { error });
      }
    }
  }

  /** Each URL once, beginning with the one that worked last. The last failure is thrown. */
  async #round(): Promise<BrokerConnection> {
    const { urls, order } = this.#options;
    const start = Math.max(0, urls.indexOf(this.#url));
    const round = order?.(urls) ?? [...urls.slice(start), ...urls.slice(0, start)];
    let failure: unknown;
    for (const url of round) {
      this.#url = url;
      try {
        return await this.#open(url);
      } catch (error) {
        if (this.#closing.signal.aborted || (error instanceof CeleryError && !(error instanceof OperationalError))) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async #open(url: URL): Promise<BrokerConnection> {
    const { transport, urls: _urls, maxRetries: _maxRetries, order: _order, random: _random, ...connect } = this.#options;
    const late = new AbortController();
    const deadline = connect.clock.schedule(connect.timeoutMs + GRACE_MS, () => late.abort(new OperationalError(`no answer within ${connect.timeoutMs} ms`)));
    const signal = AbortSignal.any([late.signal, this.#closing.signal]);
    const opening = transport.connect({ ...connect, url, signal });
    try {
      return await abortable(opening, signal);
    } catch (error) {
      // A driver that answers after all must not leave its connection behind.
      void opening.then((connection) => connection[Symbol.asyncDispose]()).catch(() => undefined);
      throw error;
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  #use(connection: BrokerConnection): BrokerConnection {
    if (this.#closing.signal.aborted) {
      void connection[Symbol.asyncDispose]();
      throw this.#closing.signal.reason;
    }
    this.#connection = connection;
    if (this.#wasConnected) this.#options.log.info(`connected to ${this.address} again`);
    this.#wasConnected = true;
    const sinceMs = this.#options.clock.monotonic();
    void connection.closed.then((reason) => this.#gone(connection, sinceMs, reason ?? new OperationalError(`the connection to ${this.address} was closed`)));
    return connection;
  }

  #gone(connection: BrokerConnection, sinceMs: number, reason: Error): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    const pauseMs = this.#pauseAfter(sinceMs);
    const again = pauseMs > 0 ? `. ${this.#shortLived} in a row have lasted less than ${STEADY_MS / 1000} s: connecting again in ${pauseMs / 1000} s` : '';
    this.#options.log.warn(`lost the connection to ${this.address}: ${maskText(reason.message)}${again}`);
    this.#lost.emit(reason);
  }

  /** How long to wait before there may be another connection after the one that was opened then. */
  #pauseAfter(sinceMs: number): number {
    const nowMs = this.#options.clock.monotonic();
    this.#shortLived = nowMs - sinceMs < STEADY_MS ? this.#shortLived + 1 : 0;
    const pauseMs = this.#shortLived === 0 ? 0 : retryWaitMs(SHORT_LIVED_WAITS, this.#shortLived - 1);
    this.#notBeforeMs = nowMs + pauseMs;
    return pauseMs;
  }
}

/** The promise, or the signal's reason (as OperationalError) if that comes first. The promise itself goes on. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal, message?: () => string): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(message === undefined ? signal.reason : new OperationalError(message(), { cause: signal.reason }));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', fail));
  });
}
