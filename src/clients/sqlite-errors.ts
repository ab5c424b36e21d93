import { type CeleryError, ImproperlyConfigured, OperationalError, ResponseError } from '../errors.ts';

/** SQLite's primary result codes that mean more to us than "this statement failed". */
const BUSY = 5;
const LOCKED = 6;
const FULL = 13;
const TOO_BIG = 18;
/** The file itself cannot be used any more: READONLY, IOERR, CORRUPT, CANTOPEN, NOTADB. */
const LOST_FILE: ReadonlySet<number> = new Set([8, 10, 11, 14, 26]);

/** SQLite's primary result code, whichever library threw; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { rawCode, errcode } = error as { readonly rawCode?: unknown; readonly errcode?: unknown };
  const code = rawCode ?? errcode ?? /ConnectionFailed\(.*: (\d+)/.exec(error.message)?.[1];
  return code === undefined ? undefined : Number(code) & 0xff;
}

/** Another connection holds the lock: worth trying again at once. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === BUSY || code === LOCKED;
}

/** No statement of this connection can succeed any more. */
export const isFileLost = (error: unknown): boolean => LOST_FILE.has(sqliteCode(error) ?? 0);

/** No statement that writes can succeed until somebody makes room. */
export const isDiskFull = (error: unknown): boolean => sqliteCode(error) === FULL;

/** The error as users see it: what is wrong with which file, and what to do. */
export function sqliteError(error: unknown, path: string): CeleryError {
  const options = { cause: error };
  switch (sqliteCode(error)) {
    case BUSY:
    case LOCKED:
      return new OperationalError(`${path} is locked by another process; is something holding a transaction open (a database browser, a backup)?`, options);
    case 8:
      return new ImproperlyConfigured(`${path} cannot be written; this process needs to write the file and its directory`, options);
    case 10:
      return new OperationalError(
        `${path} could not be read or written by the operating system; check the disk, and that the file is not on a network share`,
        options,
      );
    case 11:
      return new OperationalError(
        `${path} is damaged; stop everything that uses it, move it away, and save what can be saved with "sqlite3 FILE .recover"`,
        options,
      );
    case FULL:
      return new OperationalError(`the disk that holds ${path} is full, so nothing can be stored until there is room`, options);
    case 14:
      return new ImproperlyConfigured(`${path} cannot be opened: does its directory exist, and may this process write there?`, options);
    case TOO_BIG:
      return tooBig(path, options);
    case 26:
      return new ImproperlyConfigured(`${path} is not an SQLite database; give sqlite:// a file of its own, which is made if it is missing`, options);
    default:
      return new OperationalError(`SQLite refused a statement on ${path}: ${error instanceof Error ? error.message : String(error)}`, options);
  }
}

/** What SQLite takes for a row at most, as it is built everywhere. */
const MAX_ROW_BYTES = 1_000_000_000;

/** Throws when SQLite cannot hold a row with these columns: asked before, so that one row does not spoil a statement of many. */
export function assertFits(path: string, ...columns: readonly (string | Uint8Array)[]): void {
  // No character is more than three bytes.
  if (columns.reduce((sum, { length }) => sum + 3 * length, 0) < MAX_ROW_BYTES) return;
  if (columns.reduce((sum, column) => sum + Buffer.byteLength(column), 0) >= MAX_ROW_BYTES) throw tooBig(path);
}

const tooBig = (path: string, options?: ErrorOptions): ResponseError =>
  new ResponseError(`too long for ${path}: SQLite holds less than ${MAX_ROW_BYTES} bytes in a row; send where the value lies instead of the value`, options);
