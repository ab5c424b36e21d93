import type { Batch } from '../../clients/sqlite-batch.ts';
import type { SqliteRow } from '../../clients/sqlite-driver.ts';
import { assertFits } from '../../clients/sqlite-errors.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { SqliteHandle } from '../../clients/sqlite.ts';
import { BackendStoreError } from '../../errors.ts';
import type { Json } from '../../protocol/json.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { BackendCapabilities, BackendOptions, ChordStore, ResultBackend, SaveOptions } from '../backend.ts';
import { SqliteChords, sweepChords } from './chords.ts';
import { type ResultRow, resultBatch, sweepSome } from './results.ts';
import { watchResults } from './watch.ts';

const SWEEP_ROWS = 200;
/** The shortest time for which the last part of a chord has it for itself; as Celery's claim on Redis. */
const MIN_CLAIM_MS = 5000;

/** Results in an SQLite file, often the broker's: then both share one connection and its transactions. */
export class SqliteBackend implements ResultBackend {
  readonly capabilities: BackendCapabilities = { pushes: true, expires: true, durable: true, chords: 'store' };
  readonly chords: ChordStore;
  readonly #handle: SqliteHandle;
  readonly #file: SqliteFile;
  readonly #options: BackendOptions;
  readonly #saves: Batch<ResultRow>;

  constructor(handle: SqliteHandle, options: BackendOptions) {
    const { file } = handle;
    const { clock, chordJoinTimeoutMs } = options;
    this.#handle = handle;
    this.#file = file;
    this.#options = options;
    this.#saves = resultBatch(file, clock);
    this.chords = new SqliteChords({ file, clock, expiresMs: lifeMs(options.chordExpiresMs), claimMs: Math.max(MIN_CLAIM_MS, 2 * chordJoinTimeoutMs) });
  }

  save(meta: ResultMeta, options?: SaveOptions): Promise<void> {
    const { codec, expiresMs, failureExpiresMs } = this.#options;
    const stored = codec.encode(meta);
    try {
      assertFits(this.#file.path, stored);
    } catch (cause) {
      const message = `the result store refuses the result of task ${meta.task_id}: ${(cause as Error).message}`;
      return Promise.reject(new BackendStoreError(message, { cause, taskId: meta.task_id }));
    }
    return this.#saves.add({
      taskId: meta.task_id,
      status: meta.status,
      expiresAt: this.#expiresAt(meta.status === 'FAILURE' ? failureExpiresMs : expiresMs),
      // A text with NUL characters would come back cut.
      meta: typeof stored === 'string' && stored.includes('\0') ? Buffer.from(stored) : stored,
      over: options?.over,
    });
  }

  async load(taskId: string): Promise<ResultMeta | undefined> {
    const row = await this.#file.read((file) =>
      file.sql(`SELECT meta FROM result WHERE task_id = ? AND ${UNEXPIRED}`).get([taskId, this.#options.clock.now()]),
    );
    return row === undefined ? undefined : this.#decode(row[0]!);
  }

  async forget(taskIds: readonly string[]): Promise<void> {
    for (let from = 0; from < taskIds.length; from += SWEEP_ROWS) {
      const some = JSON.stringify(taskIds.slice(from, from + SWEEP_ROWS));
      await this.#write(SWEEP_ROWS, (file) => file.sql('DELETE FROM result WHERE task_id IN (SELECT value FROM json_each(?))').run([some]));
    }
  }

  watch(taskIds: readonly string[], options: { readonly states: 'final' | 'all'; readonly signal: AbortSignal }): AsyncIterable<ResultMeta> {
    return watchResults(taskIds, { ...options, file: this.#file, clock: this.#options.clock, decode: (column) => this.#decode(column) });
  }

  async saveGroup(groupId: string, tree: Json): Promise<void> {
    const row = [groupId, this.#expiresAt(this.#options.expiresMs), JSON.stringify(tree)];
    await this.#write(1, (file) => file.sql('INSERT OR REPLACE INTO task_group (group_id, expires_at, tree) VALUES (?, ?, ?)').run(row));
  }

  async loadGroup(groupId: string): Promise<Json | undefined> {
    const row = await this.#file.read((file) =>
      file.sql(`SELECT tree FROM task_group WHERE group_id = ? AND ${UNEXPIRED}`).get([groupId, this.#options.clock.now()]),
    );
    return row === undefined ? undefined : (JSON.parse(String(row[0])) as Json);
  }

  async forgetGroup(groupId: string): Promise<void> {
    await this.#write(1, (file) => file.sql('DELETE FROM task_group WHERE group_id = ?').run([groupId]));
  }

  /** In small steps, between which others get the lock and the event loop turns. */
  async sweep(before: Date): Promise<number> {
    let count = 0;
    for (let step = 1; step > 0; count += step) {
      step = await this.#write(2 * SWEEP_ROWS, (file) => sweepSome(file, before.getTime(), SWEEP_ROWS) + sweepChords(file, before.getTime(), 10), 'later');
    }
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#saves.idle()]);
    await this.#handle[Symbol.asyncDispose]();
  }

  #write<T>(rows: number, run: (file: SqliteFile) => T, when: 'soon' | 'later' = 'soon'): Promise<T> {
    return this.#file.write({ when, rings: false, rows: () => rows, run });
  }

  #expiresAt(ms: number | null): number | null {
    const life = lifeMs(ms);
    return life === null ? null : Math.ceil(this.#options.clock.now() + life);
  }

  #decode(column: SqliteRow[number]): ResultMeta {
    return this.#options.codec.decode(column instanceof ArrayBuffer ? new Uint8Array(column) : (column as string | Uint8Array));
  }
}

const UNEXPIRED = '(expires_at IS NULL OR expires_at > ?)';

/** No limit is null, or 0 as in Celery's settings. */
const lifeMs = (ms: number | null): number | null => (ms === 0 ? null : ms);
