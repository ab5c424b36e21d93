import type { Logger } from '../../kernel/logger.ts';
import type { StoreConnections } from './connections.ts';

/** How often to look where the server cannot tell of changes (a proxy, no permission). */
const LOOK_MS = 200;

/** Tells when a list that was looked into in vain has changed: the server's client tracking, redirected to the publish/subscribe connection (decisions.md 27). */
export class Doorbell {
  /** Set once `prepare` is done and the server will not tell: look again after so many ms. */
  lookEveryMs: number | undefined;
  readonly #connections: StoreConnections;
  readonly #log: Logger;
  readonly #onRing: (list: string | undefined) => void;
  #ready: Promise<void> | undefined;
  #isReady = false;

  /** `onRing` hears the list's key; undefined when the whole database was flushed. */
  constructor(options: { readonly connections: StoreConnections; readonly log: Logger; readonly onRing: (list: string | undefined) => void }) {
    this.#connections = options.connections;
    this.#log = options.log;
    this.#onRing = options.onRing;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** From when this has resolved, each look arms: a change after it is told, once. */
  prepare(): Promise<void> {
    this.#ready ??= this.#track().then(() => void (this.#isReady = true));
    return this.#ready;
  }

  async #track(): Promise<void> {
    const subscriber = await this.#connections.subscriber();
    try {
      await subscriber.subscribe(['__redis__:invalidate'], (keys: Buffer | readonly Buffer[] | null) => this.#invalidated(keys));
      await this.#connections.command.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', subscriber.id, 'NOLOOP');
    } catch (error) {
      if (subscriber.connection.isClosed || this.#connections.command.isClosed) throw error;
      this.lookEveryMs = LOOK_MS;
      this.#log.debug(`the server does not tell of changes (${(error as Error).message}): looking every ${LOOK_MS} ms`);
    }
  }

  /** Where other messages have a text, these have a list of keys. */
  #invalidated(keys: Buffer | readonly Buffer[] | null): void {
    if (keys === null) return this.#onRing(undefined);
    for (const key of Buffer.isBuffer(keys) ? [keys] : (keys as readonly Buffer[])) this.#onRing(String(key));
  }
}
