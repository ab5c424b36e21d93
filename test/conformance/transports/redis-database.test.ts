import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { redisAddress } from '../../../src/clients/redis-address.ts';
import { openRedis, type RedisConnection } from '../../../src/clients/redis.ts';
import { Celery, ImproperlyConfigured } from '../../../src/index.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { Worker } from '../../../src/worker/worker.ts';
import { RedisServer } from './redis-server.ts';

if (process.env['CELERIAC_TEST_REDIS'] === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

describe.skipIf(process.env['CELERIAC_TEST_REDIS'] === undefined)('a Redis database that the server does not have', () => {
  let server: RedisServer;
  let admin: RedisConnection;
  beforeAll(async () => {
    server = await RedisServer.start(['--databases', '4']);
    admin = await server.connect();
  });
  afterAll(async () => {
    await admin.close();
    await server[Symbol.asyncDispose]();
  });

  const urlOf = (db: number): string => `redis://127.0.0.1:${server.port}/${db}`;
  function appOf(broker: string, backend: string) {
    const app = new Celery('proj', { broker, backend });
    onTestFinished(() => app.close());
    return { app, add: app.task('proj.add', (x: number, y: number) => x + y) };
  }
  const refusal = /\/4: ERR DB index is out of range$/;
  const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'nothing thrown',
      (error: unknown) => error,
    );
  const expectRefused = async (promise: Promise<unknown>): Promise<void> => {
    const reason = await reasonOf(promise);
    expect(reason).toBeInstanceOf(ImproperlyConfigured);
    expect((reason as Error).message).toMatch(refusal);
  };

  test('is said to who sends, and nothing goes to database 0', async () => {
    const { add } = appOf(urlOf(4), urlOf(0));
    await expectRefused(add.delay(1, 2));
    expect(await admin.call('DBSIZE')).toBe(0);
  });

  test('is said by the worker, which does not start', async () => {
    const { app } = appOf(urlOf(4), urlOf(0));
    const worker = new Worker(app, { hostname: 'w1@test' });
    onTestFinished(() => worker.stop({ mode: 'cold' }));
    await expectRefused(worker.start());
    expect(await admin.call('DBSIZE')).toBe(0);
  });

  test('is said to who waits for a result, by the connection that asks and the one that listens', async () => {
    const { app } = appOf(`memory://${crypto.randomUUID()}`, urlOf(4));
    await expectRefused(app.AsyncResult('some-id').state());
    await expectRefused(app.AsyncResult('some-id').get({ timeout: 10 }));
  });

  test('is none of those that it has: what is sent stands in the last one', async () => {
    const { add } = appOf(urlOf(3), urlOf(3));
    await add.delay(1, 2);
    const last = await openRedis(redisAddress(new URL(urlOf(3)), { transportOptions: {} }), {
      name: 'test',
      timeoutMs: 5000,
      clock: systemClock,
      socketTimeoutMs: 5000,
    });
    onTestFinished(() => last.close());
    expect(await last.call('LLEN', 'celery')).toBe(1);
    expect(await admin.call('DBSIZE')).toBe(0);
  });

  test('counts as one that may not be selected: the user’s permission is missing', async () => {
    await admin.call('ACL', 'SETUSER', 'narrow', 'on', '>pw', '~*', '&*', '+@all', '-select');
    const { add } = appOf(`redis://narrow:pw@127.0.0.1:${server.port}/1`, urlOf(0));
    const reason = await reasonOf(add.delay(1, 2));
    expect(reason).toBeInstanceOf(ImproperlyConfigured);
    expect((reason as Error).message).toContain('/1: NOPERM');
    expect(await admin.call('DBSIZE')).toBe(0);
  });
});
