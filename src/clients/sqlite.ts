import { mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ImproperlyConfigured } from '../errors.ts';
import { maskUrl } from '../kernel/broker-url.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { type OpenDatabase, loadSqlite } from './sqlite-driver.ts';
import { isBusy, sqliteCode, sqliteError } from './sqlite-errors.ts';
import { SqliteFile } from './sqlite-file.ts';

export interface SqliteOptions {
  /** `sqlite:///relative/path` or `sqlite:////absolute/path`, as SQLAlchemy has it. `?durability=power-loss` makes every commit survive that. */
  readonly url: URL;
  /** `durability` may stand here too. */
  readonly transportOptions: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A share in a file; dispose of it to let go. */
export interface SqliteHandle extends AsyncDisposable {
  readonly file: SqliteFile;
}

/**
 * The file of a URL, open: broker and result store of one process that use the same file share one connection, and so one transaction.
 * The file is made if it is missing, and its directory if that one's parent exists.
 * Throws ImproperlyConfigured (no SQLite library, not our file, not writable) or OperationalError (locked for `timeoutMs`).
 */
export const openSqlite = (options: SqliteOptions): Promise<SqliteHandle> => sharedFiles.open(options);

/** Every file that this process has open. */
class SharedFiles {
  readonly #shared = new Map<string, { readonly opening: Promise<SqliteFile>; users: number }>();
  #library: OpenDatabase | undefined;

  async open(options: SqliteOptions): Promise<SqliteHandle> {
    const path = realPath(sqlitePath(options.url));
    const isDurable = wantsDurability(options);
    const entry = this.#shared.get(path) ?? { opening: this.#open(path, options), users: 0 };
    this.#shared.set(path, entry);
    entry.users += 1;
    const letGo = async (file?: SqliteFile): Promise<void> => {
      entry.users -= 1;
      if (entry.users > 0) return;
      if (this.#shared.get(path) === entry) this.#shared.delete(path);
      await file?.close();
    };
    try {
      const file = await entry.opening;
      if (isDurable) file.beDurable();
      // A lost file is not for the next one to use; those who have it keep it, and its reason.
      void file.lost.then(() => this.#shared.get(path) === entry && this.#shared.delete(path));
      return { file, [Symbol.asyncDispose]: once(() => letGo(file)) };
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  async #open(path: string, { clock, log, timeoutMs }: SqliteOptions): Promise<SqliteFile> {
    const open = (this.#library ??= loadSqlite());
    const end = clock.monotonic() + timeoutMs;
    for (;;) {
      try {
        return new SqliteFile({ path, open, clock, log });
      } catch (error) {
        if (sqliteCode(error) === undefined) throw error;
        // Changing a new file to WAL needs it alone for a moment: many processes may start at once.
        if (!isBusy(error) || clock.monotonic() >= end) throw sqliteError(error, path);
        await clock.sleep(2 + Math.random() * 20);
      }
    }
  }
}

const sharedFiles = new SharedFiles();

/** The absolute path that a `sqlite:` URL names. */
export function sqlitePath(url: URL): string {
  const path = decodeURIComponent(url.pathname).replace(/^\//, '');
  if (url.host === '' && path !== '' && path !== ':memory:') return resolve(path);
  throw new ImproperlyConfigured(
    `${maskUrl(url)} names no file; expected sqlite:///relative/path.db (three slashes) or sqlite:////absolute/path.db (four); for a broker that lives in memory use memory://`,
  );
}

/** The same for each name of a file, so that it is opened once. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there yet: then only its directory can be a link.
  }
  try {
    mkdirSync(dirname(path), { recursive: false });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST')
      throw new ImproperlyConfigured(`the directory ${dirname(path)} for ${basename(path)} is missing and could not be made: ${code ?? String(cause)}`, {
        cause,
      });
  }
  return join(realpathSync(dirname(path)), basename(path));
}

function wantsDurability({ url, transportOptions }: SqliteOptions): boolean {
  const durability = url.searchParams.get('durability') ?? transportOptions['durability'] ?? 'process-crash';
  if (durability === 'power-loss') return true;
  if (durability === 'process-crash') return false;
  throw new ImproperlyConfigured(`durability: 'process-crash' (the default) or 'power-loss' was expected, but it is ${JSON.stringify(durability)}`);
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}
