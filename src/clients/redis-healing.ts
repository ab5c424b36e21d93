import { ImproperlyConfigured, OperationalError } from '../errors.ts';
import { exponentialBackoffMs } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';

/** Something that can be lost. */
export interface Losable {
  readonly isClosed: boolean;
  /** Settles with the reason when it was lost. */
  readonly closed: Promise<Error | undefined>;
  close(): Promise<void>;
}

export interface HealingOptions<T> {
  readonly open: (signal: AbortSignal) => Promise<T>;
  readonly clock: Clock;
  readonly log: Logger;
  /** For the log: what cannot be reached. */
  readonly name: string;
}

/** A connection that is wanted again sooner than this has not healed anything: whatever ended it may end the next one, too (a server that is read-only). */
const STEADY_MS = 5000;

/** Keeps one connection that is opened when first asked for, and opened anew after it was lost: with back-off, for as long as somebody asks. */
export class Healing<T extends Losable> implements AsyncDisposable {
  readonly #options: HealingOptions<T>;
  readonly #end = new AbortController();
  #current: T | undefined;
  #opening: Promise<T> | undefined;
  #failures = 0;
  #wasReached = false;
  #openedMs = 0;
  /** How many connections in a row were lost within STEADY_MS. */
  #shortLived = 0;

  constructor(options: HealingOptions<T>) {
    this.#options = options;
  }

  /** The connection, if there is a living one. */
  get current(): T | undefined {
    return this.#current?.isClosed === false ? this.#current : undefined;
  }

  get isEnded(): boolean {
    return this.#end.signal.aborted;
  }

  /**
   * Waits for a living connection.
   * @throws OperationalError with the last reason when `signal` aborts or all is over; ImproperlyConfigured when trying again cannot help. It can
   * where we were let in before: a password is changed on two sides, a server that takes over has its users a moment later.
   */
  async get(signal?: AbortSignal): Promise<T> {
    for (;;) {
      const current = this.current;
      if (current !== undefined) return current;
      this.#end.signal.throwIfAborted();
      try {
        return await this.#open();
      } catch (error) {
        if (error instanceof ImproperlyConfigured || this.isEnded || signal?.aborted === true) throw error;
        if (this.#failures++ === 0) this.#options.log.warn(`${this.#options.name}: ${(error as Error).message}; trying again until it can be reached`);
        await this.#rest(signal, error);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new OperationalError(`${this.#options.name}: closed`));
    await this.#opening?.catch(() => undefined);
    await this.#current?.close();
  }

  /** All who wait share one attempt. */
  #open(): Promise<T> {
    this.#opening ??= this.#openRested().then(
      (opened) => {
        if (this.#failures > 0) this.#options.log.info(`${this.#options.name}: reached again`);
        this.#failures = 0;
        this.#wasReached = true;
        this.#openedMs = this.#options.clock.monotonic();
        this.#opening = undefined;
        this.#current = opened;
        return opened;
      },
      (error: unknown) => {
        this.#opening = undefined;
        if (!this.#wasReached || !(error instanceof ImproperlyConfigured)) throw error;
        throw new OperationalError(`${error.message} (it has let us in before)`, { cause: error });
      },
    );
    return this.#opening;
  }

  /** After connections that did not last: with a pause. */
  async #openRested(): Promise<T> {
    const { clock, log, name, open } = this.#options;
    const lost = this.#current;
    this.#current = undefined;
    if (lost !== undefined) {
      this.#shortLived = clock.monotonic() - this.#openedMs < STEADY_MS ? this.#shortLived + 1 : 0;
      // One alone is an accident, such as a server that restarts once more.
      if (this.#shortLived === 2) log.warn(`${name}: ${(await lost.closed)?.message ?? 'closed'} (twice within seconds: trying again, with pauses)`);
      if (this.#shortLived > 1) await clock.sleep(waitMs(this.#shortLived), this.#end.signal);
    }
    return open(this.#end.signal);
  }

  async #rest(signal: AbortSignal | undefined, reason: unknown): Promise<void> {
    const ends = signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal]);
    try {
      await this.#options.clock.sleep(waitMs(this.#failures), ends);
    } catch {
      // Nobody waits any more: what they want to know is why it did not come.
      throw reason;
    }
  }
}

/** Before the next try, after so many in a row that came to nothing: never at one moment for all that have lost it at once. */
const waitMs = (tries: number): number => exponentialBackoffMs(Math.min(10, tries), { factorMs: 50, maxMs: 2000 }) * (0.5 + Math.random() / 2);
