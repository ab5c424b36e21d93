import { createRequire } from 'node:module';
import process from 'node:process';
import { ImproperlyConfigured } from '../errors.ts';

/** What can be bound; texts with NUL characters must be bound as bytes, since both libraries cut a text there when it is read. */
export type SqliteValue = null | number | string | Uint8Array;
/** What comes back, column by column; libsql gives blobs as ArrayBuffer. */
export type SqliteRow = readonly (null | number | string | Uint8Array | ArrayBuffer)[];

/** The small common face of node:sqlite and libsql. Synchronous. */
export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}
export interface SqliteStatement {
  /** Returns how many rows were changed. */
  run(values?: readonly SqliteValue[]): number;
  get(values?: readonly SqliteValue[]): SqliteRow | undefined;
  all(values?: readonly SqliteValue[]): readonly SqliteRow[];
}
export type OpenDatabase = (path: string, busyTimeoutMs: number) => SqliteDatabase;

/**
 * The SQLite of this Node (from 22.13 on), else the package libsql.
 * Throws ImproperlyConfigured, naming the package, where there is neither.
 */
export function loadSqlite(): OpenDatabase {
  return loadBuiltin() ?? loadLibsql();
}

function loadBuiltin(): OpenDatabase | undefined {
  const builtin = quietly(() => process.getBuiltinModule('node:sqlite') as unknown as NodeSqlite | undefined);
  if (builtin === undefined) return undefined;
  return (path, busyTimeoutMs) => {
    const database = new builtin.DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    return {
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare: (sql) => nodeStatement(database.prepare(sql)),
    };
  };
}

function nodeStatement(statement: NodeStatement): SqliteStatement {
  // Rows as arrays came later than the module itself.
  statement.setReturnArrays?.(true);
  const rowOf = (row: object): SqliteRow => (Array.isArray(row) ? row : Object.values(row)) as SqliteRow;
  return {
    run: (values = []) => Number(statement.run(...values).changes),
    get: (values = []) => {
      const row = statement.get(...values);
      return row === undefined ? undefined : rowOf(row);
    },
    all: (values = []) => statement.all(...values).map(rowOf),
  };
}

function loadLibsql(): OpenDatabase {
  const Database = requireLibsql();
  return (path, busyTimeoutMs) => {
    const database = new Database(path, { timeout: busyTimeoutMs });
    return {
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare(sql) {
        const statement = database.prepare(sql);
        if (statement.reader) statement.raw();
        return {
          run: (values = []) => statement.run(values).changes,
          get: (values = []) => statement.get(values),
          all: (values = []) => statement.all(values),
        };
      },
    };
  };
}

function requireLibsql(): LibsqlDatabase {
  try {
    return createRequire(import.meta.url)('libsql') as LibsqlDatabase;
  } catch (cause) {
    throw new ImproperlyConfigured(
      `sqlite:// needs Node 22.13 or later, or the package libsql, which could not be loaded in Node ${process.versions.node}: npm install libsql`,
      { cause },
    );
  }
}

/** Loads without the warning that the module is experimental: which library serves SQLite is our choice, not the user's. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => { exec(sql: string): void; close(): void; prepare(sql: string): NodeStatement };
}
interface NodeStatement {
  setReturnArrays?(on: boolean): void;
  run(...values: readonly SqliteValue[]): { readonly changes: number | bigint };
  get(...values: readonly SqliteValue[]): object | undefined;
  all(...values: readonly SqliteValue[]): object[];
}
type LibsqlDatabase = new (
  path: string,
  options: { readonly timeout: number },
) => {
  exec(sql: string): void;
  close(): void;
  prepare(sql: string): {
    readonly reader: boolean;
    raw(): unknown;
    run(values: readonly SqliteValue[]): { readonly changes: number };
    get(values: readonly SqliteValue[]): SqliteRow | undefined;
    all(values: readonly SqliteValue[]): SqliteRow[];
  };
};
