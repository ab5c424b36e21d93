import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ResultBackend } from '../../src/backends/backend.ts';
import { driver } from '../../src/backends/redis/index.ts';
import { type RedisConnection } from '../../src/clients/redis.ts';
import { resolveSettings } from '../../src/config/resolve.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { encoded } from '../../src/protocol/json-text.ts';
import type { Value } from '../../src/protocol/json.ts';
import type { SignatureData } from '../../src/protocol/signature.ts';
import { jsonCodec } from '../../src/testing/conformance/backend.ts';
import { openAdmin } from '../kit/redis-admin.ts';

/* Celery and we on one result store: what one stores the other reads and waits for, and they count the same chords. */

const url = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const program = new URL('python/redis_results.py', import.meta.url).pathname;

if (url === undefined || python === undefined) {
  test.skip('redis results: the environment variables CELERIAC_TEST_REDIS and CELERIAC_TEST_PYTHON (a python with celery) are not both set', () => undefined);
} else describe('results on Redis', () => resultTests(url, python));

function resultTests(server: string, executable: string): void {
  const prefix = newId();
  const started: ChildProcess[] = [];
  let admin: RedisConnection;
  let backend: ResultBackend;

  beforeAll(async () => {
    admin = await openAdmin(server);
    backend = await driver.open({
      url: new URL(server),
      clock: systemClock,
      log: silentLogger,
      codec: jsonCodec,
      expiresMs: 86_400_000,
      failureExpiresMs: 86_400_000,
      chordExpiresMs: 86_400_000,
      chordJoinTimeoutMs: 3000,
      transportOptions: { global_keyprefix: prefix },
      settings: resolveSettings([{}]),
    });
  });
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill();
    const left = (await admin.call('KEYS', `${prefix}*`)) as string[];
    if (left.length > 0) await admin.call('DEL', ...left);
  });
  afterAll(async () => {
    await backend[Symbol.asyncDispose]();
    await admin.close();
  });

  const commandOf = (act: string, args: unknown): string[] => [program, act, server, JSON.stringify({ global_keyprefix: prefix }), JSON.stringify(args)];
  async function celery<T = unknown>(act: string, args: unknown): Promise<T> {
    const { stdout } = await promisify(execFile)(executable, commandOf(act, args));
    return JSON.parse(stdout) as T;
  }
  const save = (id: string, status: string, value: Value): Promise<void> =>
    backend.save({ task_id: id, status, result: encoded(value), traceback: null, children: [], date_done: '2026-11-22T21:37:06.123456+00:00' });

  // features: 5-078
  test('each reads what the other has stored, and leaves a SUCCESS alone', async () => {
    await celery('store', { id: 'theirs', state: 'SUCCESS', result: { a: [1, 'ä'] } });
    const meta = await backend.load('theirs');
    expect([meta?.status, meta?.result.value()]).toEqual(['SUCCESS', { a: [1, 'ä'] }]);
    await save('theirs', 'FAILURE', { exc_type: 'ValueError', exc_message: ['x'], exc_module: 'builtins' });
    expect((await backend.load('theirs'))?.status).toBe('SUCCESS');
    await save('ours', 'SUCCESS', 5);
    await celery('store', { id: 'ours', state: 'STARTED', result: null });
    expect(await celery('read', { id: 'ours' })).toEqual(['SUCCESS', 5]);
    await save('failed', 'FAILURE', { exc_type: 'ValueError', exc_message: ['boom'], exc_module: 'builtins' });
    expect(await celery('read', { id: 'failed' })).toEqual(['FAILURE', "ValueError('boom')"]);
  });

  test('who waits in Python is woken by us', async () => {
    const waiter = spawn(executable, commandOf('wait', { id: 'a' }), { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(waiter);
    const lines = createInterface({ input: waiter.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('"waiting"');
    await save('a', 'STARTED', null);
    await save('a', 'SUCCESS', 7);
    expect((await lines.next()).value).toBe('7');
  });

  test('who waits here is woken by Python', async () => {
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const meta of backend.watch(['a'], { states: 'all', signal: new AbortController().signal })) seen.push([meta.status, meta.result.value()]);
    })();
    await expect.poll(async () => (await admin.call('PUBSUB', 'CHANNELS', `${prefix}*`)) as string[]).toHaveLength(1);
    await celery('store', { id: 'a', state: 'STARTED', result: { pid: 1 } });
    await celery('store', { id: 'a', state: 'SUCCESS', result: 3 });
    await watching;
    expect(seen).toEqual([
      ['STARTED', { pid: 1 }],
      ['SUCCESS', 3],
    ]);
  });

  test('Python restores a group that we saved', async () => {
    const tree = [
      ['g', null],
      [
        [['a', null], null],
        [['b', null], null],
      ],
    ];
    await backend.saveGroup('g', tree);
    expect(await celery('group', { id: 'g' })).toEqual(tree);
    expect(await backend.loadGroup('g')).toEqual(tree);
  });

  const chords = () => backend.chords!;
  const part = (index: number) => ({ index, taskId: `t${index}`, status: 'SUCCESS', result: encoded(index) });
  const theirs = (index: number, more: object = {}): Promise<[number, number, number, unknown[]]> =>
    celery('part', { group: 'g', id: `t${index}`, state: 'SUCCESS', result: index, index, ...more });
  const body: SignatureData = { task: 'proj.tsum', args: [], kwargs: {}, options: { task_id: 'body' }, subtask_type: null, immutable: false };

  // features: 4-105
  test('the last part is ours: the chord is ours, with the parts of both', async () => {
    await chords().open('g', 3, body);
    expect((await chords().arrive('g', part(2))).kind).toBe('counted');
    expect((await theirs(0)).slice(0, 3)).toEqual([2, 3, 0]);
    expect((await theirs(0)).slice(0, 3)).toEqual([2, 3, 0]);
    const last = await chords().arrive('g', part(1));
    expect(last.kind === 'mine' && last.parts.map(({ index, taskId, result }) => [index, taskId, result.value()])).toEqual([
      [0, 't0', 0],
      [1, 't1', 1],
      [2, 't2', 2],
    ]);
    expect((await theirs(1)).slice(0, 3)).toEqual([3, 3, 0]);
    if (last.kind === 'mine') await last.claim.close();
    expect((await theirs(1))[0]).toBe(-1);
    expect(((await admin.call('KEYS', `${prefix}*`)) as string[]).map((key) => key.slice(prefix.length))).toEqual(['_celery-taskset-meta-g.c']);
  });

  test('the last part is theirs: the chord is theirs, and ours are late', async () => {
    await chords().open('g', 2, body);
    expect((await chords().arrive('g', part(1))).kind).toBe('counted');
    expect(await theirs(0)).toEqual([
      2,
      2,
      1,
      [
        [1, 't0', 'SUCCESS', 0],
        [1, 't1', 'SUCCESS', 1],
      ],
    ]);
    const late = await chords().arrive('g', part(1));
    expect(late.kind).toBe('busy');
    expect((await admin.call('DEL', `${prefix}_celery-taskset-meta-g.c`)) as number).toBe(1);
    expect((await theirs(0, { finish: true }))[2]).toBe(1);
    expect((await chords().arrive('g', part(1))).kind).toBe('closed');
    // Python has ended it: there is nothing left to be overdue.
    expect(await chords().overdue(10)).toEqual([]);
  });
}
