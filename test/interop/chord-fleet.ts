// A worker of each language, and a producer of Celery's, over one Redis; with results where the test says.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, test } from 'vitest';
import type { AnySignature } from '../../src/canvas/signature.ts';
import { Celery } from '../../src/index.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { fileBackend } from '../kit/file-backend.ts';
import { openAdmin } from '../kit/redis-admin.ts';

const folder = join(import.meta.dirname, 'python');

/** Tests that need Redis and Celery's own worker; left out, with the reason, where they are not to be had. */
export function besideCelery(what: string, tests: (server: string, executable: string) => void): void {
  const server = process.env['CELERIAC_TEST_REDIS'];
  const executable = process.env['CELERIAC_TEST_PYTHON'];
  if (server === undefined || executable === undefined)
    test.skip(`${what}, beside Celery: CELERIAC_TEST_REDIS and CELERIAC_TEST_PYTHON are not both set`, () => undefined);
  else tests(server, executable);
}

/** How long results are waited for. */
export const wait = { timeout: 30 };
/** In the language whose worker has that queue. */
export const on = (queue: string): { readonly queue: string } => ({ queue });

export type Part = readonly [task: string, args: readonly unknown[], options: object];
export interface Results {
  readonly ts: string;
  readonly py: string;
  /** For results in files. */
  readonly counts?: boolean;
  readonly serializer?: string;
  readonly compression?: string | null;
}

/** A worker of ours for the queue `ts`, and one of Celery's for `py`, with what they share. */
export function fleet(server: string, executable: string, results: Results) {
  const { serializer = 'json', compression = null, counts = false } = results;
  const prefix = `chords-${newId()}-`;
  const app = new Celery('proj', {
    broker: server,
    backend: results.ts,
    log: silentLogger,
    brokerTransportOptions: { global_keyprefix: prefix },
    ...(results.ts.startsWith('redis') ? { resultBackendTransportOptions: { global_keyprefix: prefix } } : {}),
    resultChordRetryInterval: 0.1,
    oldestPeer: '5.7',
    resultSerializer: serializer,
    resultCompression: compression,
    resultAcceptContent: [serializer],
  });
  app.extend({ kind: 'backend', schemes: ['file'], load: () => Promise.resolve({ driver: fileBackend(counts ? 'counter' : 'unlock') }) });
  app.task('proj.add', (x: number, y: number) => x + y);
  app.task('proj.sum', (all: number[]) => all.reduce((a, b) => a + b, 0));
  app.task('proj.list', (all: unknown) => all);
  app.task('proj.boom', () => {
    throw new RangeError('no');
  });
  const worker = new Worker(app, { hostname: 'w1@box', queues: ['ts'], concurrency: 5 });
  const env = {
    ...process.env,
    CHORDS_BROKER: server,
    CHORDS_BACKEND: results.py,
    CHORDS_PREFIX: prefix,
    CHORDS_SERIALIZER: serializer,
    CHORDS_COMPRESSION: compression ?? '',
    PYTHONPATH: folder,
  };
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

  const call = ([task, args, options]: Part): AnySignature => app.signature(task, { args: [...args] }).set(options);

  /** Has Python send a chord, and gives the result of its body. */
  const tellPython = async (
    how: 'chord' | 'by hand' | 'group' | 'restore',
    header: readonly Part[],
    body: readonly [string, object] = ['', {}],
  ): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(executable, ['chords.py', how, JSON.stringify([header, body])], { cwd: folder, env });
    return JSON.parse(stdout);
  };
  const fromPython = async (...told: Parameters<typeof tellPython>) => app.AsyncResult((await tellPython(...told)) as string);
  return { app, call, fromPython, tellPython };
}
