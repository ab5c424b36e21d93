import type { RedisConnection } from '../../clients/redis.ts';
import type { Healing } from '../../clients/redis-healing.ts';
import { BackendStoreError, OperationalError, ResponseError } from '../../errors.ts';
import { type Deferred, deferred } from '../../kernel/deferred.ts';
import { empty } from '../../kernel/empty.ts';
import { type Linked, LinkedSet } from '../../kernel/linked-set.ts';
import type { TaskState } from '../../protocol/states.ts';
import type { MetaCodec } from '../../serialization/meta-codec.ts';
import * as scripts from './scripts.ts';

const MAX_ENTRIES = 500;
const MAX_BYTES = 1_000_000;
/** From this length on a meta may be more than a server takes (`proto-max-bulk-len` is 1 MiB or more, and a character up to 3 bytes), which breaks the connection. */
const LONG = 350_000;
/** So many connections in a row may end while they write one long value, before that value is to blame. */
const MAX_BREAKS = 5;
/** How many metas wait while the store is away (decisions.md 33). */
const MAX_PENDING = 10_000;

export interface SaveEntry {
  readonly taskId: string;
  readonly key: string;
  readonly meta: string | Buffer;
  readonly state: TaskState;
  /** 0: for ever. */
  readonly lifeMs: number;
  /** Undefined: all but SUCCESS. */
  readonly over: readonly TaskState[] | undefined;
}

class Batch implements Linked<Batch> {
  readonly entries: SaveEntry[] = [];
  /** With the errors of those among them that the server refuses for good. */
  readonly done: Deferred<Refusals> = deferred();
  bytes = 0;
  /** Connections that ended while this was the first to be answered. */
  breaks = 0;
  in: LinkedSet<Batch> | undefined;
  before: Batch | undefined;
  after: Batch | undefined;
}
type Refusals = ReadonlyMap<SaveEntry, BackendStoreError>;

/**
 * Writes metas, a batch a tick, in the order in which they came; what a lost connection left unanswered is written again by the next.
 * A batch that the server refuses is written in parts, so that only those at fault fail; what was sent behind it is then written again.
 */
export class Saves {
  readonly #link: Healing<RedisConnection>;
  readonly #codec: MetaCodec;
  #open: Batch | undefined;
  /** Sent or waiting, in order. */
  readonly #unanswered = new LinkedSet<Batch>();
  #pending = 0;
  /** What is unanswered will be sent again: nothing is sent until then, and no answer to what was sent before counts. */
  #isHeld = false;

  constructor(link: Healing<RedisConnection>, codec: MetaCodec) {
    this.#link = link;
    this.#codec = codec;
  }

  save(entry: SaveEntry): Promise<void> {
    if (this.#pending >= MAX_PENDING) {
      return Promise.reject(new OperationalError(`${MAX_PENDING} results wait for the result store already, which cannot be reached: this one cannot be kept`));
    }
    this.#pending += 1;
    // A long one travels alone, so that what it does to the connection is its own doing.
    const isAlone = entry.meta.length >= LONG;
    if (this.#open !== undefined && isAlone) this.#close(this.#open);
    const batch = this.#open ?? this.#begin();
    batch.entries.push(entry);
    batch.bytes += entry.meta.length;
    if (isAlone || batch.entries.length >= MAX_ENTRIES || batch.bytes >= MAX_BYTES) this.#close(batch);
    return batch.done.promise.then((refusals) => {
      const refusal = refusals.get(entry);
      if (refusal !== undefined) throw refusal;
    });
  }

  /** Resolves when all that was given to us has been answered, one way or the other. */
  async flush(): Promise<void> {
    if (this.#open !== undefined) this.#close(this.#open);
    await Promise.allSettled([...this.#unanswered].map(({ done }) => done.promise));
  }

  /** For the end: what is still unanswered will not be. */
  abandon(): void {
    for (const batch of this.#unanswered)
      this.#reject(batch, new OperationalError(`the result store was closed before ${batch.entries.length} results could be written`));
  }

  #begin(): Batch {
    const batch = new Batch();
    this.#open = batch;
    const close = (): void => this.#close(batch);
    // One that ends by itself leaves at once, for somebody waits for it; while answers are due there are more, which travel together.
    if (this.#unanswered.size === 0) process.nextTick(close);
    else setImmediate(close);
    return batch;
  }

  #close(batch: Batch): void {
    if (this.#open !== batch) return;
    this.#open = undefined;
    this.#unanswered.add(batch);
    const connection = this.#link.current;
    if (connection !== undefined && !this.#isHeld) this.#send(batch, connection);
    else void this.#connect();
  }

  /** Once for all: then whatever is unanswered goes out again, in its order. */
  async #connect(): Promise<void> {
    if (this.#isHeld) return;
    this.#isHeld = true;
    try {
      this.#sendAll(await this.#link.get());
    } catch (error) {
      // Trying again cannot help, or all is over.
      for (const batch of this.#unanswered) this.#reject(batch, error);
    } finally {
      this.#isHeld = false;
    }
  }

  #sendAll(connection: RedisConnection): void {
    for (const batch of this.#unanswered) this.#send(batch, connection);
  }

  #send(batch: Batch, connection: RedisConnection): void {
    this.#write(batch.entries, connection).then(
      () => {
        if (!this.#isHeld) this.#settle(batch, NONE);
      },
      (error: unknown) => {
        if (this.#isHeld) return;
        if (!(error instanceof ResponseError)) this.#fail(batch, connection, error);
        else if (batch.entries.length > 1) void this.#sendParts(batch, connection);
        else this.#refuse(batch, error);
      },
    );
  }

  /**
   * Again from the first that is unanswered, one at a time up to the one refused. What was sent behind it may be of the same tasks, and newer: so that goes
   * out once more, after these.
   */
  async #sendParts(refused: Batch, connection: RedisConnection): Promise<void> {
    this.#isHeld = true;
    let failed: { readonly batch: Batch; readonly error: unknown } | undefined;
    for (const batch of this.#unanswered) {
      const refusals = new Map<SaveEntry, BackendStoreError>();
      try {
        await this.#writeParts(batch.entries, connection, refusals);
        this.#settle(batch, refusals);
      } catch (error) {
        failed = { batch, error };
      }
      if (batch === refused || failed !== undefined) break;
    }
    this.#isHeld = false;
    if (failed !== undefined) this.#fail(failed.batch, connection, failed.error);
    // Lost: then the next connection does it.
    if (!this.#isHeld) this.#sendAll(connection);
  }

  /** Halves of what is refused, one after the other, down to those at fault. */
  async #writeParts(entries: readonly SaveEntry[], connection: RedisConnection, refusals: Map<SaveEntry, BackendStoreError>): Promise<void> {
    try {
      await this.#write(entries, connection);
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error;
      if (entries.length === 1) return void refusals.set(entries[0]!, refusalOf(entries[0]!, error));
      const half = Math.ceil(entries.length / 2);
      await this.#writeParts(entries.slice(0, half), connection, refusals);
      await this.#writeParts(entries.slice(half), connection, refusals);
    }
  }

  #fail(batch: Batch, connection: RedisConnection, error: unknown): void {
    if (!connection.isClosed || this.#link.isEnded) return this.#reject(batch, error);
    if (this.#unanswered.first === batch && isLong(batch) && (batch.breaks += 1) >= MAX_BREAKS) {
      this.#refuse(
        batch,
        new ResponseError(`each of ${MAX_BREAKS} connections ended while it was written: is it longer than the server takes (proto-max-bulk-len)?`),
      );
    }
    void this.#connect();
  }

  /** A batch of one. */
  #refuse(batch: Batch, error: ResponseError): void {
    this.#settle(batch, new Map(batch.entries.map((entry) => [entry, refusalOf(entry, error)])));
  }

  #settle(batch: Batch, refusals: Refusals): void {
    if (this.#forget(batch)) batch.done.resolve(refusals);
  }

  #reject(batch: Batch, error: unknown): void {
    if (this.#forget(batch)) batch.done.reject(error);
  }

  /** False: it was answered before, on another connection. */
  #forget(batch: Batch): boolean {
    if (!this.#unanswered.delete(batch)) return false;
    this.#pending -= batch.entries.length;
    return true;
  }

  #write(entries: readonly SaveEntry[], connection: RedisConnection): Promise<void> {
    return this.#codec.isPlainJson ? this.#guarded(entries, connection) : this.#checked(entries, connection);
  }

  async #guarded(entries: readonly SaveEntry[], connection: RedisConnection): Promise<void> {
    const [{ lifeMs: life, over: overs }] = entries as readonly [SaveEntry];
    const isShared = entries.every(({ lifeMs, over }) => lifeMs === life && over === overs);
    const keys: string[] = [];
    const args: (string | number | Buffer)[] = isShared ? [life, statesText(overs)] : ['', ''];
    for (const { key, meta, lifeMs, over } of entries) {
      keys.push(key);
      args.push(meta);
      if (!isShared) args.push(lifeMs, statesText(over));
    }
    await connection.run(scripts.save, keys, args);
    empty(args);
  }

  /** Metas that Lua cannot read: looked at and then written, as Celery does (decisions.md 31). */
  async #checked(entries: readonly SaveEntry[], connection: RedisConnection): Promise<void> {
    const stored = (await connection.callBytes('MGET', ...entries.map(({ key }) => key))) as (Buffer | null)[];
    const states = new Map<string, TaskState | undefined>(entries.map(({ key }, i) => [key, this.#stateOf(stored[i] ?? null)]));
    const allowed = entries.filter((entry) => {
      const state = states.get(entry.key);
      const isAllowed = state === undefined || (entry.over === undefined ? state !== 'SUCCESS' : entry.over.includes(state));
      if (isAllowed) states.set(entry.key, entry.state);
      return isAllowed;
    });
    await connection.pipeline(
      allowed.flatMap(({ key, meta, lifeMs }) => [
        lifeMs === 0 ? (['SET', key, meta] as const) : (['SET', key, meta, 'PX', lifeMs] as const),
        ['PUBLISH', key, meta] as const,
      ]),
    );
  }

  /** What cannot be read is no SUCCESS that we would know of. */
  #stateOf(stored: Buffer | null): TaskState | undefined {
    try {
      return stored === null ? undefined : this.#codec.decode(stored).status;
    } catch {
      return undefined;
    }
  }
}

const isLong = ({ entries: [entry] }: Batch): boolean => entry!.meta.length >= LONG;

const NONE: Refusals = new Map();

function refusalOf({ taskId, key, meta }: SaveEntry, cause: ResponseError): BackendStoreError {
  const message = `the result store refuses the result of task ${taskId} (key ${key}, ${Buffer.byteLength(meta)} bytes): ${cause.message}`;
  return new BackendStoreError(message, { cause, taskId });
}

const statesText = (states: readonly TaskState[] | undefined): string => (states === undefined ? '' : `,${states.join(',')},`);
