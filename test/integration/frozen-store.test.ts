import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery, TimeoutError } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { RedisServer } from '../conformance/transports/redis-server.ts';

if (process.env['CELERIAC_TEST_REDIS'] === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

/* Its connections live, and nothing is answered on them: Redis's own sign of life takes two minutes. */
describe.skipIf(process.env['CELERIAC_TEST_REDIS'] === undefined)('a result store that hangs', () => {
  test.each([[2], [0]])('does not outlast get({ timeout: %i })', { timeout: 30_000 }, async (timeout) => {
    const server = await RedisServer.start();
    const app = new Celery('proj', { broker: `memory://${crypto.randomUUID()}`, backend: server.url.href, log: silentLogger });
    const worker = new Worker(app, { hostname: `w1@${crypto.randomUUID()}`, concurrency: 1 });
    const add = app.task('proj.add', (x: number, y: number) => x + y);
    onTestFinished(async () => {
      await worker.stop({ mode: 'cold' });
      await app.close();
      await server[Symbol.asyncDispose]();
    });
    await worker.start();
    const done = await add.delay(1, 1);
    expect(await done.get({ timeout: 20 })).toBe(2);
    server.freeze();
    try {
      await expect(app.AsyncResult(crypto.randomUUID()).get({ timeout })).rejects.toThrow(TimeoutError);
    } finally {
      server.thaw();
    }
    expect(await app.AsyncResult(done.id).get({ timeout: 20 })).toBe(2);
  });
});
