import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/index.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { deferred } from '../../src/kernel/deferred.ts';
import { createLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { RedisServer } from '../conformance/transports/redis-server.ts';

if (process.env['CELERIAC_TEST_REDIS'] === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

/* A password that is changed on two sides, one after the other: what ends in between keeps its result. */
describe.skipIf(process.env['CELERIAC_TEST_REDIS'] === undefined)('a result store that refuses the login for a moment', () => {
  async function setUp(own: string) {
    const server = await RedisServer.start(['--requirepass', own]);
    const lines: string[] = [];
    const log = createLogger({ clock: systemClock, level: 'INFO', write: (line) => void lines.push(line) });
    const broker = `memory://${crypto.randomUUID()}`;
    const app = new Celery('proj', { broker, backend: `redis://${own === '' ? '' : `:${own}@`}127.0.0.1:${server.port}/0`, taskAcksLate: true, log });
    const gates = new Map<string, () => void>();
    const hold = app.task('proj.hold', async (name: string) => {
      const gate = deferred();
      gates.set(name, gate.resolve);
      await gate.promise;
      return name;
    });
    const worker = new Worker(app, { hostname: `w1@${crypto.randomUUID()}`, concurrency: 10 });
    const admin = new Redis(server.port, own === '' ? {} : { password: own });
    onTestFinished(async () => {
      await worker.stop({ mode: 'cold' });
      await app.close();
      admin.disconnect();
      await server[Symbol.asyncDispose]();
    });
    /** With the connections that are there. */
    const password = async (text: string): Promise<void> => {
      await admin.config('SET', 'requirepass', text);
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
    };
    await worker.start();
    return { admin, gates, hold, lines, password, worker };
  }

  test.each([
    ['after it has answered', { own: 'old', hasAnswered: true, says: 'WRONGPASS' }],
    ['from the first result on', { own: 'old', hasAnswered: false, says: 'WRONGPASS' }],
    ['where none was asked for', { own: '', hasAnswered: true, says: 'NOAUTH' }],
  ])('keeps what ends meanwhile: %s', { timeout: 90_000 }, async (_, { own, hasAnswered, says }) => {
    const { admin, gates, hold, lines, password, worker } = await setUp(own);
    if (hasAnswered) {
      const first = await hold.delay('first');
      await expect.poll(() => gates.has('first'), { timeout: 20_000 }).toBe(true);
      gates.get('first')!();
      expect(await first.get({ timeout: 20 })).toBe('first');
    }
    const names = ['a', 'b', 'c'];
    const results = await Promise.all(names.map((name) => hold.delay(name)));
    await expect.poll(() => names.every((name) => gates.has(name)), { timeout: 20_000 }).toBe(true);
    await password('new');
    for (const name of names) gates.get(name)!();
    await expect.poll(() => lines.filter((line) => line.includes(says)), { timeout: 20_000 }).not.toHaveLength(0);
    await password(own);
    // Looked up by the test itself: whoever waits is let in again just as late.
    const keys = results.map(({ id }) => `celery-task-meta-${id}`);
    await expect.poll(async () => (await admin.mget(keys)).every((meta) => meta?.includes('SUCCESS')), { timeout: 30_000 }).toBe(true);
    expect(await Promise.all(results.map((result) => result.get({ timeout: 20 })))).toEqual(names);
    expect(lines.filter((line) => line.includes('CRITICAL'))).toEqual([]);
    if (hasAnswered) expect(lines.filter((line) => line.includes(says))).toHaveLength(1);
    await worker.stop({ mode: 'warm' });
    expect(worker.stats()['ended']).toEqual({ SUCCESS: names.length + (hasAnswered ? 1 : 0) });
  });
});
