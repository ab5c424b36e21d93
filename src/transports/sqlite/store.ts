import type { Batch } from '../../clients/sqlite-batch.ts';
import { assertFits } from '../../clients/sqlite-errors.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { SqliteHandle } from '../../clients/sqlite.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import type { ConnectOptions, QueueSpec, Verdict } from '../transport.ts';
import { leaseTimes } from '../virtual/lease-times.ts';
import type { PutOptions, QueueStore, Reservation } from '../virtual/queue-store.ts';
import { sqliteBindings } from './bindings.ts';
import { SqliteBroadcast } from './broadcast.ts';
import { claim, peek } from './claim.ts';
import { type MessageRow, messageRow, putBatch } from './put.ts';
import { createQueue, deleteQueue, limitsOf, purge, type QueueLimits, recall, size, touchQueue } from './queues.ts';
import { Recovery } from './recovery.ts';
import { settleBatch } from './settle.ts';

/** What one transaction takes at most. */
const MAX_CLAIM = 400;
/** How many queues' arguments are remembered. */
const MAX_LIMITS = 1000;

interface ReserveOptions {
  readonly max: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Queues in an SQLite file. What is put, settled and taken at the same time goes in one transaction. */
export class SqliteStore implements QueueStore {
  readonly owner: string;
  readonly closed: Promise<Error>;
  readonly bindings: QueueStore['bindings'];
  readonly broadcast: SqliteBroadcast;
  readonly #handle: SqliteHandle;
  readonly #file: SqliteFile;
  readonly #options: ConnectOptions;
  readonly #recovery: Recovery;
  readonly #puts: Batch<MessageRow>;
  readonly #acks: ReturnType<typeof settleBatch>;
  /** Verdicts after which somebody may take the message again. */
  readonly #returns: ReturnType<typeof settleBatch>;
  /** Of the queues that were declared or written to here. */
  readonly #limits = new Map<string, QueueLimits>();
  readonly #usedAt = new Map<string, number>();
  #isClosed = false;

  constructor(handle: SqliteHandle, options: ConnectOptions) {
    const { file } = handle;
    const { clock, owner, log, transportOptions } = options;
    this.owner = owner;
    this.closed = file.lost;
    this.bindings = sqliteBindings(file);
    this.broadcast = new SqliteBroadcast(file, clock, log);
    this.#handle = handle;
    this.#file = file;
    this.#options = options;
    this.#recovery = new Recovery({ file, clock, owner, confirmMs: leaseTimes(transportOptions).confirmMs });
    this.#puts = putBatch(file);
    this.#acks = settleBatch(file, { owner, rings: false, now: () => clock.now() });
    this.#returns = settleBatch(file, { owner, rings: 'messages', now: () => clock.now() });
  }

  createQueue(queue: QueueSpec): Promise<void> {
    const limits = limitsOf(queue);
    const nowMs = this.#options.clock.now();
    this.#limits.set(queue.name, limits);
    this.#usedAt.set(queue.name, nowMs);
    return createQueue(this.#file, queue.name, limits, nowMs);
  }

  async deleteQueue(queue: string): Promise<void> {
    this.#limits.delete(queue);
    this.#usedAt.delete(queue);
    await deleteQueue(this.#file, queue);
  }

  put(queue: string, message: WireMessage, options?: PutOptions): Promise<void> {
    try {
      const { ttlMs } = this.#limits.get(queue) ?? this.#readLimits(queue);
      const row = messageRow(queue, message, { ...options, nowMs: this.#options.clock.now(), ttlMs });
      assertFits(this.#file.path, row[4], row[5]);
      return this.#puts.add(row);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  async reserve(queues: readonly string[], options: ReserveOptions): Promise<Reservation[]> {
    const { clock, maxMessageBytes } = this.#options;
    const end = clock.monotonic() + options.waitMs;
    this.#touch(queues);
    for (;;) {
      const since = this.#file.changes.of('messages');
      let { isReady, dueMs } = await this.#file.read((file) => peek(file, queues));
      const isDue = dueMs <= clock.now();
      if (isReady || isDue) {
        const max = Math.min(options.max, MAX_CLAIM);
        const taken = await this.#file.write({
          when: 'soon',
          rings: false,
          rows: () => max,
          run: (file) => claim(file, { owner: this.owner, queues, max, nowMs: clock.now(), isDue, maxMessageBytes }),
        });
        if (taken !== undefined && taken.length > 0) return taken;
        // A lost owner takes nothing; it hears of that at its next renewal.
        if (taken === undefined) dueMs = Number.POSITIVE_INFINITY;
      }
      const leftMs = end - clock.monotonic();
      if (options.signal.aborted || this.#isClosed || leftMs <= 0) return [];
      await this.#file.changed('messages', { since, ms: Math.min(leftMs, Math.max(1, dueMs - clock.now())), signal: options.signal });
    }
  }

  settle(reservation: Reservation, verdict: Verdict): Promise<void> {
    const isTakenAgain = verdict === 'requeue' || verdict === 'return';
    return (isTakenAgain ? this.#returns : this.#acks).add({ reservation, verdict });
  }

  renew(leaseMs: number): Promise<boolean> {
    return this.#recovery.renew(leaseMs);
  }

  reconcile(known: ReadonlySet<string>): Promise<number> {
    return this.#recovery.reconcile(known);
  }

  recover(max: number): Promise<number> {
    return this.#recovery.recover(max);
  }

  recall(taskIds: readonly string[]): Promise<number> {
    return recall(this.#file, taskIds, this.#options.clock.now());
  }

  size(queue: string): Promise<number> {
    return size(this.#file, queue);
  }

  purge(queue: string): Promise<number> {
    return purge(this.#file, queue);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.broadcast.close();
    if (!this.#file.isLost) this.#file.changes.wake(['messages']);
    await Promise.allSettled([this.#puts.idle(), this.#acks.idle(), this.#returns.idle()]);
    await this.#handle[Symbol.asyncDispose]();
  }

  /** Of a queue that another process has declared; undeclared ones have none. */
  #readLimits(queue: string): QueueLimits {
    const row = this.#file.readNow((file) => file.sql('SELECT ttl_ms, unused_ms FROM queue WHERE name = ?').get([queue]));
    const limits = { ttlMs: numberOr(row?.[0]), unusedMs: numberOr(row?.[1]) };
    // Queues of replies come and go.
    if (this.#limits.size >= MAX_LIMITS) this.#limits.clear();
    this.#limits.set(queue, limits);
    return limits;
  }

  /** Queues that go when they are unused are told now and then that they are not. */
  #touch(queues: readonly string[]): void {
    const nowMs = this.#options.clock.now();
    for (const queue of queues) {
      const unusedMs = this.#limits.get(queue)?.unusedMs;
      if (unusedMs === undefined || nowMs - (this.#usedAt.get(queue) ?? 0) < unusedMs / 4) continue;
      this.#usedAt.set(queue, nowMs);
      touchQueue(this.#file, queue, nowMs).catch((error: unknown) => this.#options.log.warn(`could not mark the queue ${queue} as used`, { error }));
    }
  }
}

const numberOr = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
