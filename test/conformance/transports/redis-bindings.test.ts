import { afterEach, describe, expect, test } from 'vitest';
import { redisAddress } from '../../../src/clients/redis-address.ts';
import { openRedis, type RedisConnection } from '../../../src/clients/redis.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { redisBroadcast } from '../../../src/transports/redis/broadcast.ts';
import { StoreConnections } from '../../../src/transports/redis/connections.ts';
import { RedisKeys } from '../../../src/transports/redis/keys.ts';
import { redisTransportOptions } from '../../../src/transports/redis/options.ts';
import { messageOf, openStore } from './redis-server.ts';

const REDIS = process.env['CELERIAC_TEST_REDIS'];
if (REDIS === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});
function kept<T extends AsyncDisposable>(one: T): T {
  opened.push(one);
  return one;
}

/* What kombu 5.7 does with its tables of bindings and its channels of fanout, and older ones do not (celery-5.7.md 7.2). */
describe.skipIf(REDIS === undefined)('Redis beside kombu 5.7', () => {
  /** Under a prefix of its own. */
  async function setUp(options: { readonly sweep_bindings?: boolean }) {
    const url = new URL(REDIS!);
    const prefix = `${newId()}:`;
    const admin = await openRedis(redisAddress(url, { transportOptions: {} }), { name: 'admin', timeoutMs: 5000, clock: systemClock, socketTimeoutMs: 60_000 });
    kept({
      async [Symbol.asyncDispose]() {
        const left = (await admin.call('KEYS', `${prefix}*`)) as string[];
        if (left.length > 0) await admin.call('DEL', ...left);
        await admin.close();
      },
    });
    const overdue = systemClock.now() - 1000;
    for (const exchange of ['gone', 'protected', 'later']) {
      await admin.call('SADD', `${prefix}_kombu.binding.${exchange}`, 'member');
      await admin.call('ZADD', `${prefix}_kombu.binding_deadlines`, exchange === 'later' ? overdue + 60_000 : overdue, exchange);
    }
    await admin.call('SADD', `${prefix}_kombu.binding_permanent.protected`, 'member');
    const store = kept(await openStore(url, { transportOptions: { global_keyprefix: prefix, ...options } }));
    return { admin, prefix, store };
  }
  const tables = async (admin: RedisConnection, prefix: string): Promise<readonly string[]> => {
    const keys = (await admin.call('KEYS', `${prefix}_kombu.binding.*`)) as string[];
    return keys.map((key) => key.slice(`${prefix}_kombu.binding.`.length)).toSorted();
  };
  const bindExpiring = async (store: Awaited<ReturnType<typeof setUp>>['store']): Promise<void> => {
    await store.createQueue({ name: 'q', durable: false, exclusive: false, autoDelete: true, arguments: { 'x-expires': 10_000 } });
    await store.bindings.add({ exchange: 'own', queue: 'q', routingKey: 'q', arguments: {} }, 'direct');
  };

  test('with 5.7 peers only, who has an expiring queue sweeps tables that are overdue and that no ordinary queue protects', async () => {
    const { admin, prefix, store } = await setUp({ sweep_bindings: true });
    await store.recover(10);
    expect(await tables(admin, prefix)).toEqual(['gone', 'later', 'protected']);
    await bindExpiring(store);
    await store.recover(10);
    expect(await tables(admin, prefix)).toEqual(['later', 'own', 'protected']);
    expect(await admin.call('ZRANGE', `${prefix}_kombu.binding_deadlines`, 0, -1)).toEqual(['later', 'own']);
    // Not again within a minute.
    await admin.call('ZADD', `${prefix}_kombu.binding_deadlines`, 1, 'later');
    await store.recover(10);
    expect(await tables(admin, prefix)).toEqual(['later', 'own', 'protected']);
  });

  test('with older peers nothing is swept: their bindings are protected by nothing', async () => {
    const { admin, prefix, store } = await setUp({});
    await bindExpiring(store);
    await store.recover(10);
    expect(await tables(admin, prefix)).toEqual(['gone', 'later', 'own', 'protected']);
  });

  test('a broadcast that goes over the channels of kombu before 5.4, too, is heard once, by old and new', async () => {
    const connect = { url: new URL(REDIS!), owner: newId(), timeoutMs: 5000, heartbeatMs: 0, transportOptions: {}, clock: systemClock, log: silentLogger };
    const connections = await StoreConnections.open({ ...connect, role: 'test', maxMessageBytes: 1e6, signal: new AbortController().signal });
    kept(connections);
    // As behind sentinels, where alone there are such channels.
    const exchange = newId();
    const both = redisBroadcast(connections, new RedisKeys(redisTransportOptions({ sentinel_fanout_compat: true }, 0, true)));
    const legacy = redisBroadcast(connections, { channels: (topic: string) => [`/{db}.${topic}`] } as unknown as RedisKeys);
    const heard: unknown[] = [];
    const heardByOld: unknown[] = [];
    kept(await both.subscribe(exchange, (message) => heard.push(message.headers['id'])));
    kept(await legacy.subscribe(exchange, (message) => heardByOld.push(message.headers['id'])));
    await both.publish(exchange, messageOf('new'));
    await legacy.publish(exchange, messageOf('old'));
    await both.publish(exchange, messageOf('last'));
    await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toBe('last');
    await expect.poll(() => heardByOld.at(-1), { timeout: 10_000 }).toBe('last');
    expect([heard, heardByOld]).toEqual([
      ['new', 'old', 'last'],
      ['new', 'old', 'last'],
    ]);
  });
});
