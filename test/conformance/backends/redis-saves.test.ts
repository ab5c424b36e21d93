import { describe, expect, onTestFinished, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/redis/index.ts';
import type { RedisConnection } from '../../../src/clients/redis.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { encodedText } from '../../../src/protocol/json-text.ts';
import type { ResultMeta } from '../../../src/protocol/result-meta.ts';
import type { TaskState } from '../../../src/protocol/states.ts';
import { openBackend } from '../../kit/open-backend.ts';
import { RedisServer } from '../transports/redis-server.ts';

if (process.env['CELERIAC_TEST_REDIS'] === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

/* What a server does to results that only its driver can know. */
describe.skipIf(process.env['CELERIAC_TEST_REDIS'] === undefined)('saves on Redis', () => {
  async function setUp(): Promise<{ readonly admin: RedisConnection; readonly store: ResultBackend }> {
    const server = await RedisServer.start();
    const admin = await server.connect();
    const store = await openBackend(driver, { url: server.url, clock: systemClock });
    onTestFinished(async () => {
      await store[Symbol.asyncDispose]();
      await admin.close();
      await server[Symbol.asyncDispose]();
    });
    return { admin, store };
  }
  const meta = (task_id: string, status: TaskState): ResultMeta => ({
    task_id,
    status,
    result: encodedText('null'),
    traceback: null,
    children: [],
    date_done: null,
  });

  test('a server that is read-only for a while (failover) is not asked without a pause, and has the result afterwards', async () => {
    const { admin, store } = await setUp();
    const connections = async (): Promise<number> => Number(/total_connections_received:(\d+)/.exec(String(await admin.call('INFO', 'stats')))![1]);
    await store.save(meta('before', 'SUCCESS'));
    await admin.call('REPLICAOF', '127.0.0.1', '1');
    const before = await connections();
    const saved = store.save(meta('during', 'SUCCESS'));
    await systemClock.sleep(1500);
    expect((await connections()) - before).toBeLessThan(20);
    await admin.call('REPLICAOF', 'NO', 'ONE');
    await saved;
    expect(await store.load('during')).toMatchObject({ status: 'SUCCESS' });
  });
});
