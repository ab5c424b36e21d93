import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChordArrival, ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/sqlite/index.ts';
import { loadSqlite, type SqliteDatabase } from '../../../src/clients/sqlite-driver.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { encodedText } from '../../../src/protocol/json-text.ts';
import { sig } from '../../kit/execution-env.ts';
import { openBackend } from '../../kit/open-backend.ts';

/* A rolling update: processes of earlier versions go on writing to a file whose schema a newer one has changed. */

let directory = '';
let opened: AsyncDisposable[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  opened = [];
});
afterEach(async () => {
  for (const one of opened.toReversed()) await one[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const path = (): string => join(directory, 'a.db');

async function open(): Promise<ResultBackend> {
  const backend = await openBackend(driver, { url: new URL(`sqlite:///${path()}`), clock: systemClock });
  opened.push(backend);
  return backend;
}

/** What the version whose schema had one step says to the file. */
function earlier(): SqliteDatabase & { arrive(n: number): void; end(): void } {
  const database = loadSqlite()(path(), 10_000);
  opened.push({ [Symbol.asyncDispose]: async () => database.close() });
  return Object.assign(database, {
    arrive(n: number) {
      const insert = `INSERT OR IGNORE INTO chord_part (group_id, task_id, part, status, result) VALUES ('g', ?, ?, 'SUCCESS', '1')`;
      database.prepare(insert).run([`t${n}`, n]);
    },
    end() {
      database.exec(`UPDATE chord SET state = 'done', body = NULL, claim = NULL WHERE group_id = 'g'; DELETE FROM chord_part WHERE group_id = 'g'`);
    },
  });
}

const arrive = ({ chords }: ResultBackend, n: number): Promise<ChordArrival> =>
  chords!.arrive('g', { index: n, taskId: `t${n}`, status: 'SUCCESS', result: encodedText('1') });

test('parts that an earlier version takes in count, each once', async () => {
  const backend = await open();
  await backend.chords!.open('g', 3, sig('body'));
  const old = earlier();
  for (const n of [0, 1, 1]) old.arrive(n);
  expect(await arrive(backend, 0)).toEqual({ kind: 'counted' });
  expect(await arrive(backend, 2)).toMatchObject({ kind: 'mine', parts: [{ index: 0 }, { index: 1 }, { index: 2 }] });
});

test('a chord that an earlier version ended begins with no parts when its id is sent again', async () => {
  const backend = await open();
  await backend.chords!.open('g', 3, sig('body'));
  for (const n of [0, 1]) await arrive(backend, n);
  const old = earlier();
  old.arrive(2);
  old.end();
  await backend.chords!.open('g', 3, sig('body'));
  for (const n of [0, 1]) expect(await arrive(backend, n)).toEqual({ kind: 'counted' });
  expect(await arrive(backend, 2)).toMatchObject({ kind: 'mine' });
});

test('so does one of this version', async () => {
  const backend = await open();
  for (const _ of ['once', 'again']) {
    await backend.chords!.open('g', 2, sig('body'));
    expect(await arrive(backend, 0)).toEqual({ kind: 'counted' });
    const last = await arrive(backend, 1);
    expect(last.kind).toBe('mine');
    if (last.kind === 'mine') await last.claim.close();
  }
});

test('a file whose number of parts was kept by the processes is counted anew', async () => {
  const first = await open();
  await first.chords!.open('g', 3, sig('body'));
  await arrive(first, 0);
  await opened.pop()![Symbol.asyncDispose]();
  const old = earlier();
  old.exec('DROP TRIGGER chord_part_came; DROP TRIGGER chord_part_went; ALTER TABLE chord RENAME COLUMN part_count TO arrived; PRAGMA user_version = 2');
  old.arrive(1);
  expect(await arrive(await open(), 2)).toMatchObject({ kind: 'mine' });
});
