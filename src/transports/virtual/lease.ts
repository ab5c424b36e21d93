import { OperationalError } from '../../errors.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Emitter } from '../../kernel/emitter.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { LeaseWatch } from '../transport.ts';
import type { LeaseThread } from './lease-thread.ts';
import type { LeaseTimes } from './lease-times.ts';
import type { QueueStore } from './queue-store.ts';

/** How many messages one look puts back at most; a full one is followed by another at once. */
const RECOVER_BATCH = 1000;

export interface LeaseOptions {
  readonly store: QueueStore;
  readonly times: LeaseTimes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
  /** The ids of what is held, as far as we know. */
  readonly known?: () => ReadonlySet<string>;
  /** Renews while the event loop is blocked; made when the lease begins. */
  readonly openThread?: (() => LeaseThread) | undefined;
  /** The lease cannot be kept: it was lost, or the server is gone. */
  readonly onBroken: (error: unknown) => void;
}

/** Keeps the lease of one connection's owner alive, and looks after the leases of others. */
export class Lease implements LeaseWatch {
  readonly #options: LeaseOptions;
  readonly #lost: Emitter<Error>;
  readonly #timers = new Set<Disposable>();
  #begun: Promise<void> | undefined;
  #thread: LeaseThread | undefined;
  /** When the last renewal that was answered had been asked for. */
  #renewedAt: { readonly wall: number; readonly monotonic: number } | undefined;
  #isEnded = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#lost = new Emitter((error) => options.log.error('a listener to the loss of the lease failed', { error }));
  }

  /** By both clocks: the monotonic one stands still in a suspended machine, the other may be set back. */
  get isCertain(): boolean {
    const { clock, times } = this.#options;
    const at = this.#renewedAt;
    return at !== undefined && Math.max(clock.now() - at.wall, clock.monotonic() - at.monotonic) < times.leaseMs;
  }

  onLost(listener: (reason: Error) => void): Disposable {
    return this.#lost.on(listener);
  }

  /** Resolves when the lease is set, so that nothing is taken without one. */
  begin(): Promise<void> {
    this.#begun ??= this.#begin().catch((error: unknown) => {
      this.#options.onBroken(error);
      throw error;
    });
    return this.#begun;
  }

  /** Stops renewing and looking. What is still held comes back to the others when the lease lapses. */
  async end(): Promise<void> {
    this.#isEnded = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    await this.#thread?.[Symbol.asyncDispose]();
  }

  async #begin(): Promise<void> {
    await this.#renew();
    if (this.#isEnded) return;
    this.#thread = this.#options.openThread?.();
    this.#thread?.onLost(() => this.#declareLost());
    this.#thread?.onError((error) =>
      this.#options.log.warn('the lease is not renewed by its thread: a task that blocks the event loop for long would lose its messages', { error }),
    );
    const { times, onBroken, random = Math.random, log } = this.#options;
    this.#every(
      () => times.renewMs,
      () => this.#renew(),
      onBroken,
    );
    // A look that fails on what it finds must not cost us our own messages.
    const onLookError = (error: unknown): void =>
      error instanceof OperationalError ? onBroken(error) : log.error('messages of lost workers could not be put back', { error });
    this.#every(
      () => times.lookMs * (0.8 + 0.4 * random()),
      () => this.#look(),
      onLookError,
    );
  }

  async #renew(): Promise<void> {
    const { clock, store, times } = this.#options;
    const at = { wall: clock.now(), monotonic: clock.monotonic() };
    const isOurs = await store.renew(times.leaseMs);
    if (!isOurs) return this.#declareLost();
    this.#renewedAt = at;
    this.#thread?.renewed();
  }

  async #look(): Promise<void> {
    const { store, known, log } = this.#options;
    const strays = (known && (await store.returnStrays?.(known))) ?? 0;
    if (strays > 0) log.info(`put back ${strays} messages that the server had given to a lost connection of ours`);
    for (;;) {
      const count = await this.#options.store.recover(RECOVER_BATCH);
      if (count > 0) this.#options.log.info(`put back ${count} messages that had been held by lost workers or were due`);
      if (count < RECOVER_BATCH || this.#isEnded) return;
    }
  }

  #declareLost(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#renewedAt = undefined;
    const reason = new OperationalError(
      'this process was declared lost, because its lease had lapsed (was it suspended or stopped?): its messages were given to others, and it goes on under a new id',
    );
    this.#lost.emit(reason);
    this.#options.onBroken(reason);
  }

  #every(waitMs: () => number, action: () => Promise<void>, onError: (error: unknown) => void): void {
    if (this.#isEnded) return;
    const timer = this.#options.clock.schedule(waitMs(), () => {
      this.#timers.delete(timer);
      void action()
        .catch((error: unknown) => (this.#isEnded ? undefined : onError(error)))
        .finally(() => this.#every(waitMs, action, onError));
    });
    this.#timers.add(timer);
  }
}
