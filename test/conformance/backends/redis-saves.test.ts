import { describe, expect, onTestFinished, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/redis/index.ts';
import type { RedisConnection } from '../../../src/clients/redis.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { encodedText } from '../../../src/protocol/json-text.ts';
import type { ResultMeta } from '../../../src/protocol/result-meta.ts';
import type { TaskState } from '../../../src/protocol/states.ts';
import { jsonCodec } from '../../../src/testing/conformance/backend.ts';
import { openBackend } from '../../kit/open-backend.ts';
import { RedisServer } from '../transports/redis-server.ts';

if (process.env['CELERIAC_TEST_REDIS'] === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

/* What a server does to results that only its driver can know. */
describe.skipIf(process.env['CELERIAC_TEST_REDIS'] === undefined)('saves on Redis', () => {
  /** `isGuarded`: metas are JSON, which scripts can read. A user may write results of tasks named `ok…` only. */
  async function setUp({ user = '', isGuarded = true } = {}): Promise<{ readonly admin: RedisConnection; readonly store: ResultBackend }> {
    const server = await RedisServer.start();
    const admin = await server.connect();
    const url = new URL(server.url);
    if (user !== '') await admin.call('ACL', 'SETUSER', user, 'on', '>pw', '+@all', '&*', '~celery-task-meta-ok*');
    if (user !== '') Object.assign(url, { username: user, password: 'pw' });
    const store = await openBackend(driver, { url, clock: systemClock, codec: { ...jsonCodec, isPlainJson: isGuarded } });
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

  test.each([
    { what: 'a key of another type', user: '', isGuarded: true },
    { what: 'a key that we may not write', user: 'some', isGuarded: true },
    { what: 'a key that we may not write, metas that Lua cannot read', user: 'some', isGuarded: false },
  ])('what is refused for $what does not bring back what a later batch has replaced', async ({ user, isGuarded }) => {
    const { admin, store } = await setUp({ user, isGuarded });
    await admin.call('RPUSH', 'celery-task-meta-bad', 'in the way');
    await store.save(meta('ok-connected', 'SUCCESS'));
    const neighbours = Array.from({ length: 20 }, (_, n) => `ok-${n}`);
    const first = ['ok', ...neighbours.slice(0, 10), 'bad', ...neighbours.slice(10)].map((id) => store.save(meta(id, 'STARTED')));
    const settled = Promise.allSettled(first);
    // Its own batch, which leaves before the first is answered.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await store.save(meta('ok', 'FAILURE'));
    expect(await store.load('ok')).toMatchObject({ status: 'FAILURE' });
    expect((await settled).flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toMatchObject([
      expect.stringMatching(/BackendStoreError: the result store refuses the result of task bad .*(?:WRONGTYPE|NOPERM)/),
    ]);
    for (const id of neighbours) expect(await store.load(id)).toMatchObject({ status: 'STARTED' });
    expect(await admin.call('LRANGE', 'celery-task-meta-bad', 0, -1)).toEqual(['in the way']);
  });

  test.each([
    { what: 'a script that the server does not know', isGuarded: true },
    { what: 'metas that Lua cannot read', isGuarded: false },
  ])('what is refused sooner than an earlier batch is answered ($what) stays behind that one', async ({ isGuarded }) => {
    const { admin, store } = await setUp({ user: 'some', isGuarded });
    await store.save(meta('ok-connected', 'SUCCESS'));
    await admin.call('SCRIPT', 'FLUSH');
    const first = store.save(meta('ok', 'STARTED'));
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const second = [store.save(meta('ok', 'FAILURE')), store.save(meta('bad', 'SUCCESS'))];
    expect((await Promise.allSettled([first, ...second])).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(await store.load('ok')).toMatchObject({ status: 'FAILURE' });
  });
});
