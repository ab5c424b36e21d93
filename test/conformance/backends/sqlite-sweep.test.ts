import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/sqlite/index.ts';
import { loadSqlite } from '../../../src/clients/sqlite-driver.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { encoded } from '../../../src/protocol/json-text.ts';
import type { ResultMeta } from '../../../src/protocol/result-meta.ts';
import { jsonCodec } from '../../../src/testing/conformance/backend.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';

const clock = createFakeClock();
let directory = '';
let backend: ResultBackend;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  backend = await driver.open({
    url: new URL(`sqlite:///${directory}/a.db`),
    clock,
    log: silentLogger,
    codec: jsonCodec,
    expiresMs: 60_000,
    failureExpiresMs: 0,
    chordExpiresMs: 60_000,
    chordJoinTimeoutMs: 3000,
    transportOptions: {},
    settings: {} as never,
  });
});
afterEach(async () => {
  await backend[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const meta = (taskId: string, status = 'SUCCESS'): ResultMeta => ({
  task_id: taskId,
  status,
  result: encoded(1),
  traceback: null,
  children: [],
  date_done: null,
});
const saveMany = (prefix: string, count: number): Promise<unknown> => Promise.all(Array.from({ length: count }, (_, n) => backend.save(meta(`${prefix}${n}`))));
function count(table: string): number {
  const database = loadSqlite()(join(directory, 'a.db'), 1000);
  try {
    return Number(database.prepare(`SELECT count(*) FROM ${table}`).get()?.[0]);
  } finally {
    database.close();
  }
}

test('a sweep deletes what has expired, however much, and nothing else', async () => {
  await saveMany('old', 1500);
  await backend.saveGroup('g', ['old1']);
  await backend.save(meta('kept for ever', 'FAILURE'));
  await clock.advance(61_000);
  await backend.save(meta('new'));
  await backend.sweep!(new Date(clock.now()));
  expect(count('result')).toBe(2);
  expect(count('task_group')).toBe(0);
  expect(await backend.sweep!(new Date(clock.now()))).toBe(0);
});

test('the file does not grow for ever where nobody sweeps: saves take away what has expired', async () => {
  for (let round = 0; round < 6; round++) {
    await saveMany(`r${round}-`, 500);
    await clock.advance(61_000);
  }
  expect(count('result')).toBeLessThanOrEqual(1000);
});

test('of chords that are over nothing is left when their time is over, and of unopened ones neither', async () => {
  const chords = backend.chords!;
  await chords.open('g', 1, { task: 't', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false });
  const arrival = await chords.arrive('g', { index: 0, taskId: 'a', status: 'SUCCESS', result: encoded(1) });
  if (arrival.kind === 'mine') await arrival.claim.close();
  await chords.arrive('never opened', { index: 0, taskId: 'b', status: 'SUCCESS', result: encoded(1) });
  expect([count('chord'), count('chord_part')]).toEqual([2, 1]);
  await clock.advance(61_000);
  await backend.sweep!(new Date(clock.now()));
  expect([count('chord'), count('chord_part')]).toEqual([0, 0]);
});
