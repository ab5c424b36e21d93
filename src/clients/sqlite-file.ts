import { statSync } from 'node:fs';
import { type CeleryError, OperationalError } from '../errors.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Deferred, deferred } from '../kernel/deferred.ts';
import type { Logger } from '../kernel/logger.ts';
import { Changes, type Topic } from './sqlite-changes.ts';
import type { OpenDatabase, SqliteDatabase, SqliteStatement } from './sqlite-driver.ts';
import { isBusy, isDiskFull, isFileLost, sqliteError } from './sqlite-errors.ts';
import { migrate } from './sqlite-schema.ts';
import { insist } from './sqlite-wait.ts';

/** How long SQLite itself may wait for a lock while a file is opened or closed; in between the waiting is ours (`insist`, then with the loop running). */
const BUSY_TIMEOUT_MS = 25;
/** How long we go on trying to get the lock before an operation fails. */
const LOCK_PATIENCE_MS = 15_000;
const RETRY_MAX_MS = 4;
/** Commits in microtasks before the event loop must turn: who awaits one write after the other would never let it. */
const MAX_SOON_IN_TURN = 10;
/** Rows that one transaction writes at most: then the lock is let go, and the loop turns. */
const MAX_ROWS = 400;
/** Pages (4 KB each) after which a commit copies the log into the database: rarely, since each copy waits for the disk, and saves what was written twice. */
const CHECKPOINT_PAGES = 8000;
const LOG_BYTES = 64 * 2 ** 20;

/** Something to be written, together with whatever else waits, in one transaction. It may be run again, if that transaction had to be rolled back. */
export interface Work<T> {
  run(file: SqliteFile): T;
  /** Rows it will write, when it is run; what a transaction may hold is bounded. */
  readonly rows: () => number;
  /** 'soon': at the end of this tick. 'later': with whatever goes next, at the latest when the loop has turned. */
  readonly when: 'soon' | 'later';
  /** Who may be waiting for what it writes. */
  readonly rings: Topic | false;
  /** It is a single statement then, atomic by itself; alone it needs no transaction around it. */
  readonly isSingle?: () => boolean;
}

interface Entry {
  readonly work: Work<unknown>;
  readonly answer: Deferred<unknown>;
}

/**
 * One process's connection to one file, shared by everything in it that uses the file. All writing goes through `write`, which makes one
 * transaction of what comes together. When the file is lost (deleted, damaged, unreadable) everything fails with the reason, now and later.
 */
export class SqliteFile {
  readonly path: string;
  /** What was written, here and by others, and who waits for it. */
  readonly changes: Changes;
  readonly #clock: Clock;
  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();
  readonly #inode: number;
  readonly #lost = deferred<Error>();
  #error: CeleryError | undefined;
  #pending: Entry[] = [];
  #isPlanned = false;
  #isSoon = false;
  /** A transaction that waits for the lock: everything else waits behind it. */
  #retrying: Promise<void> | undefined;
  #soonInTurn = 0;

  /** Opens or makes the file and brings its schema up to date. Throws errors of SQLite as they are; busy ones may be tried again. */
  constructor(options: { readonly path: string; readonly open: OpenDatabase; readonly clock: Clock; readonly log: Logger }) {
    this.path = options.path;
    this.#clock = options.clock;
    this.#database = options.open(options.path, BUSY_TIMEOUT_MS);
    try {
      this.#database.exec('PRAGMA journal_mode = WAL');
      this.#database.exec('PRAGMA synchronous = NORMAL');
      migrate(this.#database, options.path);
      // A file that may only be read opens without complaint; this is where it complains.
      this.#database.exec('DELETE FROM owner WHERE id < 0');
      this.#database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES}; PRAGMA busy_timeout = 0`);
      this.#inode = statSync(options.path).ino;
      this.changes = new Changes({ ...options, dataVersion: () => this.#dataVersion(), onPoll: () => this.#checkThere() });
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Settles with the reason when the file is lost. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  get isLost(): boolean {
    return this.#error !== undefined;
  }

  /** Every commit reaches the disk before it is answered, from now on. */
  beDurable(): void {
    this.#database.exec('PRAGMA synchronous = FULL');
  }

  /** A prepared statement, made once. For texts that are constants. */
  sql(text: string): SqliteStatement {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#database.prepare(text)));
    return statement;
  }

  /** Reads at once, outside of any transaction. Waits only where the file is locked as a whole (recovery after a crash). */
  async read<T>(run: (file: SqliteFile) => T): Promise<T> {
    const end = this.#clock.monotonic() + LOCK_PATIENCE_MS;
    for (;;) {
      try {
        return this.readNow(run);
      } catch (error) {
        if (!isBusy((error as Error).cause) || this.#clock.monotonic() > end) throw error;
        await this.#clock.sleep(1 + Math.random() * RETRY_MAX_MS);
      }
    }
  }

  /** The same, failing at once when locked. */
  readNow<T>(run: (file: SqliteFile) => T): T {
    this.#assertUsable();
    try {
      return run(this);
    } catch (error) {
      if (isFileLost(error)) this.fail(sqliteError(error, this.path));
      throw this.#error ?? sqliteError(error, this.path);
    }
  }

  /** Resolves when it is committed, in the order of the calls; rejects with OperationalError when it is not and will not be. */
  write<T>(work: Work<T>): Promise<T> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const answer = deferred<unknown>();
    this.#pending.push({ work, answer });
    this.#plan(work.when === 'soon');
    return answer.promise as Promise<T>;
  }

  /** As `changes.wait`; throws when the file is lost. */
  async changed(topic: Topic, options: { readonly since: number; readonly ms: number; readonly signal: AbortSignal }): Promise<void> {
    await this.changes.wait(topic, options);
    this.#assertUsable();
  }

  /** Gives up the file with a reason: for everything that waits, and everything that comes. */
  fail(error: CeleryError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const { answer } of this.#pending.splice(0)) answer.reject(error);
    this.#close();
    this.#lost.resolve(error);
  }

  /** Writes what waits, then lets go of the file. */
  async close(): Promise<void> {
    while (this.#retrying !== undefined || this.#pending.length > 0) {
      await this.#retrying;
      await this.#pending.at(-1)?.answer.promise.catch(() => undefined);
    }
    if (this.#error !== undefined) return;
    this.#error = new OperationalError(`${this.path} was closed`);
    try {
      // libsql keeps a closed file open until its statements are collected: leave no long log behind.
      this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA wal_checkpoint(TRUNCATE)`);
    } catch {
      // Others may hold the lock. Nothing is lost: whoever opens the file next reads the log.
    }
    this.#close();
  }

  #close(): void {
    this.changes.close();
    this.#statements.clear();
    this.#database.close();
  }

  #plan(isSoon: boolean): void {
    if (this.#retrying !== undefined || this.#isSoon || (this.#isPlanned && !isSoon)) return;
    if (isSoon && this.#soonInTurn < MAX_SOON_IN_TURN) {
      if (this.#soonInTurn++ === 0) setImmediate(() => (this.#soonInTurn = 0));
      this.#isSoon = true;
      queueMicrotask(() => this.#flush());
    } else if (!this.#isPlanned) {
      this.#isPlanned = true;
      setImmediate(() => this.#flush());
    }
  }

  #flush(): void {
    this.#isPlanned = this.#isSoon = false;
    if (this.#retrying !== undefined || this.#pending.length === 0) return;
    const batch = this.#takeBatch();
    if (this.#pending.length > 0) this.#plan(false);
    if (insist(() => this.#commit(batch)) === undefined) return;
    this.#retrying = this.#retry(batch).finally(() => {
      this.#retrying = undefined;
      if (this.#pending.length > 0) this.#plan(false);
    });
  }

  #takeBatch(): Entry[] {
    let rows = 0;
    const end = this.#pending.findIndex(({ work }, index) => (rows += work.rows()) > MAX_ROWS && index > 0);
    return this.#pending.splice(0, end === -1 ? this.#pending.length : end);
  }

  async #retry(batch: readonly Entry[]): Promise<void> {
    const end = this.#clock.monotonic() + LOCK_PATIENCE_MS;
    for (;;) {
      await this.#clock.sleep(1 + Math.random() * RETRY_MAX_MS);
      if (this.#error !== undefined) return reject(batch, this.#error);
      const error = insist(() => this.#commit(batch));
      if (error === undefined) return;
      if (this.#clock.monotonic() >= end) return reject(batch, sqliteError(error, this.path));
    }
  }

  /** Throws only when the lock could not be had; then nothing has happened. */
  #commit(batch: readonly Entry[]): void {
    let entries = batch;
    while (entries.length > 0) {
      const values: unknown[] = [];
      const isBare = entries.length === 1 && entries[0]?.work.isSingle?.() === true;
      let hasBegun = false;
      try {
        if (!isBare) this.sql('BEGIN IMMEDIATE').run();
        hasBegun = !isBare;
        for (const { work } of entries) values.push(work.run(this));
        if (!isBare) this.sql('COMMIT').run();
      } catch (error) {
        if (hasBegun) this.#rollback();
        if (isBusy(error)) throw error;
        const failed = entries[values.length];
        if (isFileLost(error) || isDiskFull(error) || failed === undefined) {
          const reason = sqliteError(error, this.path);
          if (isFileLost(error)) this.fail(reason);
          return reject(entries, reason);
        }
        // One that cannot be written does not take the others with it.
        reject([failed], sqliteError(error, this.path));
        entries = entries.filter((entry) => entry !== failed);
        continue;
      }
      return this.#committed(entries, values);
    }
  }

  #committed(entries: readonly Entry[], values: readonly unknown[]): void {
    const gone = this.#checkThere();
    if (gone !== undefined) return reject(entries, gone);
    entries.forEach(({ answer }, index) => answer.resolve(values[index]));
    const topics = new Set<Topic>();
    for (const { work } of entries) if (work.rings !== false) topics.add(work.rings);
    this.changes.announce(topics);
  }

  #rollback(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite has done it already.
    }
  }

  /** A file that was deleted or replaced goes on taking commits that nobody will ever see. */
  #checkThere(): CeleryError | undefined {
    if (statSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode) return undefined;
    const error = new OperationalError(`${this.path} was deleted or replaced while it was in use; what was written to it is gone`);
    this.fail(error);
    return error;
  }

  #dataVersion(): number | undefined {
    if (this.#error !== undefined) return undefined;
    try {
      return Number(this.sql('PRAGMA data_version').get()?.[0]);
    } catch (error) {
      if (isFileLost(error)) this.fail(sqliteError(error, this.path));
      else if (!isBusy(error)) throw error;
      return undefined;
    }
  }

  #assertUsable(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}

function reject(entries: readonly Entry[], reason: CeleryError): void {
  for (const { answer } of entries) answer.reject(reason);
}
