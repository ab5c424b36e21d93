import { describe, test } from 'vitest';
import { redisAddress } from '../../../src/clients/redis-address.ts';
import { openRedis } from '../../../src/clients/redis.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { describeQueueStore, type QueueStoreHarness } from '../../../src/testing/conformance/queue-store.ts';
import { transport } from '../../../src/transports/redis/index.ts';
import { leaseTimes } from '../../../src/transports/virtual/lease.ts';
import type { QueueStore } from '../../../src/transports/virtual/queue-store.ts';

const url = process.env['CELERIAC_TEST_REDIS'];

if (url === undefined) test.skip('redis: the environment variable CELERIAC_TEST_REDIS is not set', () => undefined);
else describeQueueStore({ describe, test }, 'redis', () => queueStoreHarness(new URL(url)));

/** A key prefix of its own stands for a server of its own. */
async function queueStoreHarness(server: URL): Promise<QueueStoreHarness> {
  const prefix = `${newId()}:`;
  const transportOptions = { global_keyprefix: prefix, lease_ms: 400, lease_renew_ms: 100, lease_look_ms: 200 };
  const address = redisAddress(server, { transportOptions: {} });
  const admin = await openRedis(address, { name: 'celeriac/test/admin', timeoutMs: 5000, clock: systemClock, socketTimeoutMs: 60_000 });
  const opened: QueueStore[] = [];
  return {
    capabilities: transport.capabilities,
    times: leaseTimes(transportOptions),
    firstPriority: 'lowest',
    now: () => systemClock.now(),
    elapse: (ms) => systemClock.sleep(ms),
    async putRaw(queue, text) {
      await admin.call('LPUSH', prefix + queue, text);
    },
    async open(options = {}) {
      const store = await transport.open({
        url: server,
        owner: options.owner ?? newId(),
        timeoutMs: 5000,
        heartbeatMs: 0,
        transportOptions,
        clock: systemClock,
        log: silentLogger,
        role: 'test',
        maxMessageBytes: options.maxMessageBytes ?? 64 * 2 ** 20,
        signal: new AbortController().signal,
      });
      opened.push(store);
      return store;
    },
    async close() {
      for (const store of opened) await store[Symbol.asyncDispose]();
      const left = (await admin.call('KEYS', `${prefix}*`)) as string[];
      if (left.length > 0) await admin.call('DEL', ...left);
      await admin.close();
    },
  };
}
