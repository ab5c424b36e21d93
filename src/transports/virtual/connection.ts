import { OperationalError } from '../../errors.ts';
import { deferred } from '../../kernel/deferred.ts';
import type { BrokerConnection, Channel, ConnectOptions, TransportCapabilities } from '../transport.ts';
import { type ChannelParts, type QueueState, VirtualChannel } from './channel.ts';
import { Exchanges } from './exchanges.ts';
import type { Holds } from './holds.ts';
import { leaseTimes } from './lease-times.ts';
import { Lease } from './lease.ts';
import type { LeaseThread } from './lease-thread.ts';
import type { QueueStore } from './queue-store.ts';

export interface VirtualConnectionOptions {
  readonly store: QueueStore;
  readonly capabilities: TransportCapabilities;
  readonly holds: Holds;
  readonly connect: ConnectOptions;
  readonly openThread?: (() => LeaseThread) | undefined;
  /** Whether this is the only connection of its owner. */
  readonly isLast: () => boolean;
  /** It has closed; with a reason if it was not we who closed it. */
  readonly onClosed: (reason: Error | undefined) => void;
}

/** A store, the lease under which it is used, and the channels on it. */
export class VirtualConnection implements BrokerConnection {
  readonly closed: Promise<Error | undefined>;
  readonly lease: Lease;
  readonly #options: VirtualConnectionOptions;
  readonly #closed = deferred<Error | undefined>();
  readonly #failed = deferred<unknown>();
  readonly #channels = new Set<VirtualChannel>();
  readonly #parts: ChannelParts;
  #closing: Promise<void> | undefined;
  #taking: Promise<void> | undefined;

  constructor(options: VirtualConnectionOptions) {
    const { store, capabilities, holds, connect } = options;
    this.#options = options;
    this.closed = this.#closed.promise;
    const fail = (error: unknown): void => this.#fail(error);
    const times = leaseTimes(connect.transportOptions);
    const known = (): ReadonlySet<string> => holds.knownIds();
    this.lease = new Lease({ store, times, known, clock: connect.clock, log: connect.log, openThread: options.openThread, onBroken: fail });
    this.#parts = {
      store,
      capabilities,
      holds,
      exchanges: new Exchanges(store, capabilities.exchangeTypes),
      queues: new Map<string, QueueState>(),
      log: connect.log,
      holdLease: () => this.#beginTaking(),
      fail,
    };
    // What peers have put back is no longer ours, whichever connection took it.
    this.lease.onLost(() => holds.forget());
    void store.closed?.then((reason) => this.#fail(reason));
    holds.attach(store, fail);
    // A worker that is stopping takes no more, but what it still runs needs its lease. A failure ends this connection.
    if (connect.role === 'worker' && holds.isUnguarded) this.#beginTaking().catch(() => undefined);
  }

  openChannel(): Promise<Channel> {
    if (this.#closing !== undefined) return Promise.reject(new OperationalError('this connection is closed; open another one'));
    const channel = new VirtualChannel(this.#parts);
    this.#channels.add(channel);
    void channel.closed.then(() => this.#channels.delete(channel));
    return Promise.resolve(channel);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close(undefined);
  }

  async recall(taskIds: readonly string[]): Promise<number> {
    return (await this.#options.store.recall?.(taskIds)) ?? 0;
  }

  #beginTaking(): Promise<void> {
    this.#taking ??= this.#reconcile().then(() => this.lease.begin());
    return this.#taking;
  }

  async #reconcile(): Promise<void> {
    const { holds, store, connect } = this.#options;
    try {
      const returned = await holds.beginTaking(store);
      if (returned > 0) connect.log.info(`put back ${returned} messages whose answer had been lost with the last connection`);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    this.#failed.resolve(error);
    void this.#close(error instanceof Error ? error : new OperationalError(`the connection to the broker failed: ${String(error)}`));
  }

  #close(reason: Error | undefined): Promise<void> {
    this.#closing ??= this.#shutDown(reason);
    return this.#closing;
  }

  async #shutDown(reason: Error | undefined): Promise<void> {
    const { store, holds, onClosed, connect } = this.#options;
    const warn = (error: unknown): void => connect.log.warn('the connection to the broker did not close properly', { error });
    const channels = [...this.#channels];
    const ended = Promise.all([this.lease.end(), ...channels.map((channel) => channel.close(reason))]);
    if (reason === undefined) {
      await ended.catch(warn);
      // No other connection follows: what this one can do no more is not waited for.
      await Promise.race([this.#tidyUp(), this.#failed.promise.then(warn)]).catch(warn);
      holds.detach(store);
      await letGo(store).catch(warn);
    } else {
      // The next connection may be made at once; what ends from now on waits for it. A take that hangs ends with its store.
      holds.detach(store);
      this.#closed.resolve(reason);
      await Promise.all([letGo(store), ended]).catch((error: unknown) => connect.log.debug('a lost connection did not close properly', { error }));
    }
    onClosed(reason);
    this.#closed.resolve(reason);
  }

  /** Nothing is left behind: neither queues that were for this connection only, nor messages that nobody settled. */
  async #tidyUp(): Promise<void> {
    const { store, holds, isLast } = this.#options;
    if (isLast()) await holds.returnAll(store);
    for (const [queue, state] of this.#parts.queues) {
      if (!state.spec.exclusive) continue;
      await this.#parts.exchanges.forgetQueue(queue);
      await store.deleteQueue(queue);
    }
  }
}

const letGo = async (store: QueueStore): Promise<void> => store[Symbol.asyncDispose]();
