import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImproperlyConfigured, OperationalError } from '../errors.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLogger } from '../kernel/logger.ts';
import { loadSqlite } from './sqlite-driver.ts';
import { openSqlite, type SqliteHandle, type SqliteOptions, sqlitePath } from './sqlite.ts';
import type { SqliteFile } from './sqlite-file.ts';

let directory = '';
let path = '';
let opened: SqliteHandle[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  path = join(directory, 'a.db');
  opened = [];
});
afterEach(async () => {
  for (const handle of opened) await handle[Symbol.asyncDispose]();
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true });
});

async function open(more: Partial<SqliteOptions> = {}): Promise<SqliteHandle> {
  const handle = await openSqlite({ url: new URL(`sqlite:///${path}`), transportOptions: {}, timeoutMs: 300, clock: systemClock, log: silentLogger, ...more });
  opened.push(handle);
  return handle;
}

const write = (file: SqliteFile, sql = `INSERT INTO task_group (group_id, tree) VALUES (hex(randomblob(8)), '[]')`): Promise<number> =>
  file.write({ when: 'soon', rings: 'results', rows: () => 1, run: () => file.sql(sql).run() });
const changed = (file: SqliteFile, ms: number): Promise<void> =>
  file.changed('results', { since: file.changes.of('results'), ms, signal: new AbortController().signal });
const count = (file: SqliteFile): number => Number(file.readNow(() => file.sql('SELECT count(*) FROM task_group').get()?.[0]));

test('three slashes are relative, four absolute, as in SQLAlchemy', () => {
  expect(sqlitePath(new URL('sqlite:///data/a%20b.db?durability=power-loss'))).toBe(join(process.cwd(), 'data/a b.db'));
  expect(sqlitePath(new URL('sqlite:////var/lib/a.db'))).toBe('/var/lib/a.db');
  for (const wrong of ['sqlite://', 'sqlite:///', 'sqlite://host/a.db', 'sqlite:///:memory:']) {
    expect(() => sqlitePath(new URL(wrong))).toThrow(/expected sqlite:\/\/\/relative\/path\.db/);
  }
});

test('everything in a process that names the same file shares one connection, and the last one closes it', async () => {
  const first = await open();
  const second = await open({ url: new URL(`sqlite:///${directory}/../${directory.split('/').at(-1)}/a.db`) });
  expect(second.file).toBe(first.file);
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await write(second.file);
  await second[Symbol.asyncDispose]();
  await expect(write(second.file)).rejects.toThrow(/was closed/);
  const third = await open();
  expect(third.file).not.toBe(first.file);
  expect(count(third.file)).toBe(1);
});

test('opened by many at once it is opened once', async () => {
  const handles = await Promise.all(Array.from({ length: 5 }, () => open()));
  expect(new Set(handles.map(({ file }) => file)).size).toBe(1);
});

test('makes the directory of the file, but no further one', async () => {
  path = join(directory, '.celeriac', 'celeriac.db');
  await open();
  expect(existsSync(path)).toBe(true);
  await expect(open({ url: new URL(`sqlite:///${directory}/no/such/a.db`) })).rejects.toThrow(/directory .*\/no\/such for a\.db is missing/);
});

test('writes of one tick are one transaction, and one that fails does not take the others with it', async () => {
  const { file } = await open();
  const results = await Promise.allSettled([write(file), write(file, 'INSERT INTO nowhere VALUES (1)'), write(file)]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(OperationalError);
  expect(count(file)).toBe(2);
});

test('who awaits one write after the other lets the event loop turn', async () => {
  const { file } = await open();
  const state = { turns: 0, isDone: false };
  const turn = (): void => {
    state.turns += 1;
    if (!state.isDone) setImmediate(turn);
  };
  setImmediate(turn);
  for (let n = 0; n < 200; n++) await write(file);
  state.isDone = true;
  expect(state.turns).toBeGreaterThan(10);
});

test('a file that is no database, or that of something else, is refused with what to do', async () => {
  writeFileSync(path, 'certainly no database, '.repeat(100));
  await expect(open()).rejects.toThrow(/is not an SQLite database; give sqlite:\/\/ a file of its own/);
  rmSync(path);
  const foreign = loadSqlite()(path, 100);
  foreign.exec('CREATE TABLE customers (id)');
  foreign.close();
  await expect(open()).rejects.toThrow(/database of something else \(it has a table "customers"\)/);
  await expect(open()).rejects.toBeInstanceOf(ImproperlyConfigured);
});

test('a file of a newer schema is refused, and left as it is', async () => {
  await using _ = await open();
  const other = loadSqlite()(path, 100);
  other.exec('PRAGMA user_version = 99');
  await opened[0]![Symbol.asyncDispose]();
  await expect(open()).rejects.toThrow(/written by a newer celeriac \(schema 99; this version knows \d+\): upgrade/);
  expect(other.prepare('PRAGMA user_version').get()?.[0]).toBe(99);
  other.close();
});

test('a file that is locked for longer than the timeout: an error that says so', async () => {
  await open();
  await opened[0]![Symbol.asyncDispose]();
  copyFileSync(path, join(directory, 'b.db'));
  path = join(directory, 'b.db');
  const other = loadSqlite()(path, 100);
  other.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  await expect(open()).rejects.toThrow(/is locked by another process/);
  await expect(open()).rejects.toBeInstanceOf(OperationalError);
  other.exec('COMMIT');
  other.close();
  await open();
});

test('waits for a lock that another process holds, with the event loop turning', async () => {
  const { file } = await open();
  const other = loadSqlite()(path, 100);
  other.exec('BEGIN IMMEDIATE');
  const writing = Promise.all([write(file), write(file)]);
  const state = { longestMs: 0, last: systemClock.monotonic() };
  for (let n = 0; n < 40; n++) {
    await systemClock.sleep(5);
    const now = systemClock.monotonic();
    state.longestMs = Math.max(state.longestMs, now - state.last);
    state.last = now;
  }
  other.exec('COMMIT');
  other.close();
  await writing;
  expect(count(file)).toBe(2);
  expect(state.longestMs).toBeLessThan(200);
});

test('a file that is deleted while in use fails what is written, then and later, and everything that waits', async () => {
  const { file } = await open();
  await write(file);
  const waiting = changed(file, 60_000);
  rmSync(path);
  await expect(write(file)).rejects.toThrow(/was deleted or replaced while it was in use/);
  await expect(write(file)).rejects.toBeInstanceOf(OperationalError);
  await expect(waiting).rejects.toThrow(/was deleted/);
  expect((await file.lost).message).toMatch(/was deleted/);
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  // The next connection begins with a new file.
  const next = await open();
  expect(count(next.file)).toBe(0);
});

test('a file that was replaced is noticed by who only waits', async () => {
  const { file } = await open();
  using _listening = file.changes.listen('results', () => undefined);
  renameSync(path, `${path}.old`);
  writeFileSync(path, '');
  expect((await file.lost).message).toMatch(/deleted or replaced/);
});

test('a full disk is said to the one who writes, and is over when there is room', async () => {
  const { file } = await open();
  file.readNow(() => file.sql('PRAGMA max_page_count = 45').get());
  const big = `INSERT INTO task_group (group_id, tree) VALUES (hex(randomblob(8)), hex(zeroblob(200000)))`;
  await expect(write(file, big)).rejects.toThrow(/disk that holds .* is full/);
  await expect(write(file, big)).rejects.toBeInstanceOf(OperationalError);
  file.readNow(() => file.sql('PRAGMA max_page_count = 100000').get());
  await write(file, big);
  expect(count(file)).toBe(1);
});

test('a file that may not be written is refused', async () => {
  await open();
  await opened[0]![Symbol.asyncDispose]();
  chmodSync(path, 0o444);
  chmodSync(directory, 0o555);
  // Root may write everything; be nobody meanwhile.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid!(65_534);
  try {
    await expect(open()).rejects.toThrow(/cannot be (written|opened).*(needs to write|may this process write)/);
    await expect(open()).rejects.toBeInstanceOf(ImproperlyConfigured);
  } finally {
    if (isRoot) process.seteuid!(0);
  }
});

test('a directory in place of the file is refused', async () => {
  mkdirSync(path);
  await expect(open()).rejects.toThrow(/cannot be opened/);
});

test('durability: one who asks for it gets it for all, and a wrong word is refused', async () => {
  const { file } = await open();
  const synchronous = (): unknown => file.readNow(() => file.sql('PRAGMA synchronous').get()?.[0]);
  expect(synchronous()).toBe(1);
  await open({ url: new URL(`sqlite:///${path}?durability=power-loss`) });
  expect(synchronous()).toBe(2);
  await expect(open({ transportOptions: { durability: 'forever' } })).rejects.toThrow(/'process-crash' .* or 'power-loss' was expected, but it is "forever"/);
});

test('the log does not grow with what is written', async () => {
  const { file } = await open();
  const big = `INSERT OR REPLACE INTO task_group (group_id, tree) VALUES ('g', hex(zeroblob(100000)))`;
  for (let n = 0; n < 500; n++) await write(file, big);
  expect(statSync(`${path}-wal`).size).toBeLessThan(48 * 2 ** 20);
});

test('a change of another connection is heard, with the bell and without it', async () => {
  const { file } = await open();
  const other = loadSqlite()(path, 100);
  for (const isRung of [true, false]) {
    const waiting = changed(file, 5000);
    const startedAt = systemClock.monotonic();
    other.exec(`INSERT INTO task_group (group_id, tree) VALUES ('${String(isRung)}', '[]')`);
    if (isRung) writeFileSync(`${path}-bell`, '!');
    await waiting;
    expect(systemClock.monotonic() - startedAt).toBeLessThan(isRung ? 200 : 1000);
  }
  other.close();
});
