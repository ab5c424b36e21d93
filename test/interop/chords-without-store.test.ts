// Chords on stores that are no ChordStore, beside Celery: parts, the counting or polling, and the body, each in either language.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Celery, chord } from '../../src/index.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { fileBackend } from '../kit/file-backend.ts';
import { openAdmin } from '../kit/redis-admin.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const folder = join(import.meta.dirname, 'python');

if (redis === undefined || python === undefined) {
  test.skip('chords beside Celery: CELERIAC_TEST_REDIS and CELERIAC_TEST_PYTHON are not both set', () => undefined);
} else {
  describe('chords by celery.chord_unlock, results in files', () => bothWays(redis, python, false));
  describe('chords by a counter, results in files', () => bothWays(redis, python, true));
  describe('celery.chord_unlock sent by hand, results in Redis', () => byHand(redis, python));
}

type Part = readonly [task: string, args: readonly unknown[], options: object];

/** A worker of ours for the queue `ts`, and one of Celery's for `py`, with what they share. */
function fleet(server: string, executable: string, results: { readonly ts: string; readonly py: string }, counts: boolean) {
  const prefix = `chords-${newId()}-`;
  const app = new Celery('proj', {
    broker: server,
    backend: results.ts,
    log: silentLogger,
    brokerTransportOptions: { global_keyprefix: prefix },
    ...(results.ts.startsWith('redis') ? { resultBackendTransportOptions: { global_keyprefix: prefix } } : {}),
    resultChordRetryInterval: 0.1,
  });
  app.extend({ kind: 'backend', schemes: ['file'], load: () => Promise.resolve({ driver: fileBackend(counts ? 'counter' : 'unlock') }) });
  app.task('proj.add', (x: number, y: number) => x + y);
  app.task('proj.sum', (all: number[]) => all.reduce((a, b) => a + b, 0));
  app.task('proj.boom', () => {
    throw new RangeError('no');
  });
  const worker = new Worker(app, { hostname: 'w1@box', queues: ['ts'], concurrency: 5 });
  const env = { ...process.env, CHORDS_BROKER: server, CHORDS_BACKEND: results.py, CHORDS_PREFIX: prefix, PYTHONPATH: folder };
  const celery: { child?: ChildProcess } = {};

  beforeAll(async () => {
    const args = ['-m', 'celery', '-A', 'chords', 'worker', '-n', 'py@box', '-Q', 'py', '-c', '2', '-l', 'INFO', '--without-gossip', '--without-mingle'];
    const child = spawn(executable, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    celery.child = child;
    const output = { text: '' };
    const isReady = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        output.text += chunk.toString();
        if (/ready\./.test(output.text)) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('exit', (code) => reject(new Error(`celery ended with ${code}:\n${output.text}`)));
    });
    await Promise.all([isReady, worker.start()]);
  }, 60_000);
  afterAll(async () => {
    celery.child?.removeAllListeners('exit').kill('SIGKILL');
    await worker.stop({ mode: 'cold' });
    await app.close();
    const admin = await openAdmin(server);
    const left = (await admin.call('KEYS', `${prefix}*`)) as string[];
    if (left.length > 0) await admin.call('DEL', ...left);
    await admin.close();
  }, 30_000);

  /** Has Python send a chord; gives the result of its body. */
  const fromPython = async (how: 'chord' | 'by hand', header: readonly Part[], body: readonly [string, object]) => {
    const { stdout } = await promisify(execFile)(executable, ['chords.py', how, JSON.stringify([header, body])], { cwd: folder, env });
    return app.AsyncResult<number>(JSON.parse(stdout) as string);
  };
  return { app, fromPython };
}

const wait = { timeout: 30 };
const on = (queue: string) => ({ queue });
const mixed: readonly Part[] = [
  ['proj.add', [1, 1], on('ts')],
  ['proj.add', [2, 2], on('py')],
  ['proj.add', [3, 3], on('ts')],
  ['proj.add', [4, 4], on('py')],
];

function bothWays(server: string, executable: string, counts: boolean): void {
  const files = mkdtempSync(join(tmpdir(), 'celeriac-chords-'));
  afterAll(() => rmSync(files, { recursive: true }));
  const { app, fromPython } = fleet(server, executable, { ts: `file://${files}`, py: `${counts ? 'chords:CountingFiles+' : ''}file://${files}` }, counts);
  const call = ([task, args, options]: Part) => app.signature<(...args: unknown[]) => number>(task, { args: [...args] }).set(options);

  // features: 4-106 4-107
  test.each(['ts', 'py'])('sent by us, parts in both, body in %s', { timeout: 60_000 }, async (queue) => {
    const result = await chord(mixed.map(call), app.signature('proj.sum').set(on(queue))).delay();
    expect(await result.get(wait)).toBe(20);
  });

  test.each(['ts', 'py'])('sent by Celery, parts in both, body in %s', { timeout: 60_000 }, async (queue) => {
    const result = await fromPython('chord', mixed, ['proj.sum', on(queue)]);
    expect(await result.get(wait)).toBe(20);
  });

  test.each([
    ['ts', 'py'],
    ['py', 'ts'],
  ])('a part that fails in %s fails a body in %s', { timeout: 60_000 }, async (part, body) => {
    const header: readonly Part[] = [...mixed, ['proj.boom', [], on(part)]];
    const sent = await chord(header.map(call), app.signature('proj.sum').set(on(body))).delay();
    const celerys = await fromPython('chord', header, ['proj.sum', on(body)]);
    for (const result of [sent, celerys]) await expect(result.get(wait)).rejects.toThrow(/ValueError\('no'\)/);
  });
}

function byHand(server: string, executable: string): void {
  const { fromPython } = fleet(server, executable, { ts: server, py: server }, false);

  test('is served by our worker', { timeout: 60_000 }, async () => {
    const [good, bad] = await Promise.all([
      fromPython('by hand', mixed, ['proj.sum', on('ts')]),
      fromPython('by hand', [...mixed, ['proj.boom', [], on('py')]], ['proj.sum', on('ts')]),
    ]);
    expect(await good.get(wait)).toBe(20);
    await expect(bad.get(wait)).rejects.toThrow(/Dependency .* raised ValueError\('no'\)/);
  });
}
