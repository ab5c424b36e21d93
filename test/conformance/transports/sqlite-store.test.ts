import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { driver } from '../../../src/backends/sqlite/index.ts';
import { openSqlite } from '../../../src/clients/sqlite.ts';
import type { SqliteFile } from '../../../src/clients/sqlite-file.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { encoded } from '../../../src/protocol/json-text.ts';
import { jsonCodec } from '../../../src/testing/conformance/backend.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import type { Reservation } from '../../../src/transports/virtual/queue-store.ts';
import { transport } from '../../../src/transports/sqlite/index.ts';
import type { ResultMeta } from '../../../src/protocol/result-meta.ts';
import { openBackend } from '../../kit/open-backend.ts';
import { SqliteStore } from '../../../src/transports/sqlite/store.ts';

const never = new AbortController().signal;
let directory = '';
let url = new URL('sqlite:///');
let opened: AsyncDisposable[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  url = new URL(`sqlite:///${join(directory, 'a.db')}`);
  opened = [];
});
afterEach(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

async function open(clock = systemClock, owner = newId()): Promise<{ readonly store: SqliteStore; readonly file: SqliteFile }> {
  const options = {
    url,
    owner,
    timeoutMs: 1000,
    heartbeatMs: 0,
    transportOptions: {},
    clock,
    log: silentLogger,
    role: 'test',
    maxMessageBytes: 2 ** 20,
    signal: never,
  };
  const handle = await openSqlite(options);
  const store = new SqliteStore(handle, options);
  opened.push(store);
  return { store, file: handle.file };
}

function put(store: SqliteStore, text: string, queue = 'q', options: { readonly notBeforeMs?: number } = {}): Promise<void> {
  return store.put(queue, { body: { text }, contentType: 'text/plain', contentEncoding: 'utf-8', headers: {}, properties: {} }, options);
}
const take = (store: SqliteStore, max = 100): Promise<readonly Reservation[]> => store.reserve(['q'], { max, waitMs: 0, signal: never });
const textOf = ({ message }: Reservation): string => (message.body as { readonly text: string }).text;
const count = (file: SqliteFile, table: string): number => Number(file.readNow(() => file.sql(`SELECT count(*) FROM ${table}`).get()?.[0]));

/** How many commits an action makes. */
async function commits(file: SqliteFile, action: () => Promise<unknown>): Promise<number> {
  const counter = { count: 0 };
  const sql = file.sql.bind(file);
  file.sql = (text) => {
    if (text === 'COMMIT') counter.count += 1;
    return sql(text);
  };
  await action();
  file.sql = sql;
  return counter.count;
}

test("a worker's step is one transaction: results of the last batch, its acknowledgements, and the next batch", async () => {
  const { store, file } = await open();
  const backend = await driver.open({
    url,
    clock: systemClock,
    log: silentLogger,
    codec: jsonCodec,
    expiresMs: 60_000,
    failureExpiresMs: 60_000,
    chordExpiresMs: null,
    chordJoinTimeoutMs: 3000,
    transportOptions: {},
    settings: {} as never,
  });
  opened.push(backend);
  await Promise.all(Array.from({ length: 40 }, (_, n) => put(store, `m${n}`)));
  const first = await take(store, 20);
  const step = await commits(file, async () => {
    const done = first.map((one) => store.settle(one, 'ack'));
    const saved = first.map((_, n) =>
      backend.save({ task_id: `t${n}`, status: 'SUCCESS', result: encoded(n), traceback: null, children: [], date_done: null }),
    );
    const second = await take(store, 20);
    await Promise.all([...done, ...saved]);
    expect(second.map(textOf)).toEqual(Array.from({ length: 20 }, (_, n) => `m${n + 20}`));
  });
  expect(step).toBe(1);
  expect(count(file, 'result')).toBe(20);
  expect(count(file, 'message')).toBe(20);
});

test('keeps the newest 10,000 dead letters of a queue', async () => {
  const { store, file } = await open();
  await put(store, 'last');
  file.readNow(() =>
    file
      .sql(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
         INSERT INTO dead (queue, died_at, envelope, body) SELECT 'q', i, '{}', 'm' || i FROM n`,
      )
      .run(),
  );
  await store.settle((await take(store))[0]!, 'dead');
  expect(count(file, 'dead')).toBe(10_000);
  const [oldest, newest] = file.readNow(() => file.sql('SELECT min(died_at), (SELECT body FROM dead ORDER BY id DESC LIMIT 1) FROM dead').get()!);
  expect([oldest, newest]).toEqual([2, 'last']);
});

test('a message that is due wakes a store that waits, and only then', async () => {
  const { store } = await open();
  const dueMs = systemClock.now() + 300;
  await put(store, 'later', 'q', { notBeforeMs: dueMs });
  const [reservation] = await store.reserve(['q'], { max: 1, waitMs: 5000, signal: never });
  expect(textOf(reservation!)).toBe('later');
  expect(systemClock.now()).toBeGreaterThanOrEqual(dueMs);
  expect(systemClock.now()).toBeLessThan(dueMs + 200);
});

test('a queue that goes when unused stays while it is used, and then goes with its bindings', async () => {
  const clock = createFakeClock();
  const { store, file } = await open(clock);
  await store.createQueue({ name: 'q', durable: false, exclusive: true, autoDelete: true, arguments: { 'x-expires': 10_000 } });
  await store.bindings.add({ queue: 'q', exchange: 'reply', routingKey: 'k', arguments: {} });
  for (let n = 0; n < 5; n++) {
    await clock.advance(6000);
    await take(store);
    await store.recover(100);
  }
  expect(await store.bindings.of('reply')).toHaveLength(1);
  await clock.advance(11_000);
  await store.recover(100);
  expect(count(file, 'queue')).toBe(0);
  expect(await store.bindings.of('reply')).toHaveLength(0);
});

test('what was broadcast is kept for a minute', async () => {
  const clock = createFakeClock();
  const { store, file } = await open(clock);
  const message = { body: { text: 'x' }, contentType: 'text/plain', contentEncoding: 'utf-8', headers: {}, properties: {} };
  for (let n = 0; n < 30; n++) {
    await store.broadcast.publish('t', message);
    await clock.advance(5000);
  }
  expect(count(file, 'broadcast')).toBeLessThanOrEqual(13);
});

test('a lost owner takes nothing, and does not turn in circles while it waits', async () => {
  const clock = createFakeClock();
  const { store, file } = await open(clock);
  const { store: peer } = await open(clock);
  await store.renew(1000);
  await put(store, 'a');
  await take(store);
  await clock.advance(2000);
  await peer.recover(100);
  await clock.advance(6000);
  expect(await peer.recover(100)).toBe(1);
  const tries = await commits(file, () => take(store));
  expect(tries).toBeLessThanOrEqual(1);
  const abort = new AbortController();
  const waiting = store.reserve(['q'], { max: 1, waitMs: 60_000, signal: abort.signal });
  await new Promise(setImmediate);
  abort.abort();
  expect(await waiting).toEqual([]);
  expect((await take(peer)).map(textOf)).toEqual(['a']);
});

test('a worker whose file is deleted hears it on its connection', async () => {
  const connection = await transport.connect({
    url,
    owner: newId(),
    timeoutMs: 1000,
    heartbeatMs: 0,
    transportOptions: {},
    clock: systemClock,
    log: silentLogger,
    role: 'worker',
    leaseThread: false,
    maxMessageBytes: 2 ** 20,
    signal: never,
  });
  opened.push(connection);
  const channel = await connection.openChannel();
  await channel.declareQueue({ name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: {} });
  await channel.consume('q', () => undefined);
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(directory, `a.db${suffix}`), { force: true });
  expect((await connection.closed)?.message).toMatch(/was deleted or replaced while it was in use/);
});

test('what is longer than SQLite takes in a row is refused for good, a message as a result, and nothing beside it', async () => {
  const { store, file } = await open();
  // Bytes that nobody writes to cost no memory.
  const huge = new Uint8Array(1_000_000_000);
  const message = { body: huge, contentType: 'application/x', contentEncoding: 'binary', headers: {}, properties: {} };
  const puts = [put(store, 'before'), store.put('q', message), put(store, 'after')];
  await expect(Promise.allSettled(puts)).resolves.toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'RESPONSE', message: expect.stringContaining('too long for') as string } },
    { status: 'fulfilled' },
  ]);
  const codec = { ...jsonCodec, encode: (meta: ResultMeta) => (meta.task_id === 'b' ? huge : jsonCodec.encode(meta)) };
  const backend = await openBackend({ ...driver, open: (options) => driver.open({ ...options, codec }) }, { url, clock: systemClock });
  opened.push(backend);
  const saves = ['a', 'b', 'c'].map((id) =>
    backend.save({ task_id: id, status: 'SUCCESS', result: encoded(1), traceback: null, children: [], date_done: null }),
  );
  await expect(Promise.allSettled(saves)).resolves.toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'BACKEND_STORE', taskId: 'b' } },
    { status: 'fulfilled' },
  ]);
  // Whatever else SQLite finds too long, trying again would not help either.
  const write = file.write({ when: 'soon', rings: false, rows: () => 1, run: () => file.sql('SELECT zeroblob(2000000000)').get() });
  await expect(write).rejects.toMatchObject({ code: 'RESPONSE' });
});
