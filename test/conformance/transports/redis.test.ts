import { describe, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { describeQueueStore, type QueueStoreHarness } from '../../../src/testing/conformance/queue-store.ts';
import { describeTransport, type TransportHarness } from '../../../src/testing/conformance/transport.ts';
import { transport } from '../../../src/transports/redis/index.ts';
import type { ConnectOptions } from '../../../src/transports/transport.ts';
import { leaseTimes } from '../../../src/transports/virtual/lease-times.ts';
import { openAdmin } from '../../kit/redis-admin.ts';

const url = process.env['CELERIAC_TEST_REDIS'];
const TIMES = { lease_ms: 400, lease_renew_ms: 100, lease_look_ms: 200 };

if (url === undefined) test.skip('redis: the environment variable CELERIAC_TEST_REDIS is not set', () => undefined);
else {
  describeQueueStore({ describe, test }, 'redis', () => queueStoreHarness(new URL(url)));
  describeTransport({ describe, test }, 'redis', () => transportHarness(new URL(url)));
}

/** A key prefix of its own stands for a server of its own. */
async function space(server: URL) {
  const prefix = `${newId()}:`;
  const opened: AsyncDisposable[] = [];
  const admin = await openAdmin(server);
  return {
    prefix,
    admin,
    async keep<T extends AsyncDisposable>(opening: Promise<T>): Promise<T> {
      const one = await opening;
      opened.push(one);
      return one;
    },
    optionsFor: (more: { readonly owner?: string; readonly maxMessageBytes?: number } = {}): ConnectOptions => ({
      url: server,
      owner: more.owner ?? newId(),
      timeoutMs: 5000,
      heartbeatMs: 0,
      transportOptions: { global_keyprefix: prefix, ...TIMES },
      clock: systemClock,
      log: silentLogger,
      role: 'test',
      maxMessageBytes: more.maxMessageBytes ?? 64 * 2 ** 20,
      signal: new AbortController().signal,
    }),
    async close() {
      for (const one of opened) await one[Symbol.asyncDispose]();
      const left = (await admin.call('KEYS', `${prefix}*`)) as string[];
      if (left.length > 0) await admin.call('DEL', ...left);
      await admin.close();
    },
  };
}

async function queueStoreHarness(server: URL): Promise<QueueStoreHarness> {
  const { prefix, admin, keep, optionsFor, close } = await space(server);
  return {
    capabilities: transport.capabilities,
    times: leaseTimes(TIMES),
    firstPriority: 'lowest',
    now: () => systemClock.now(),
    elapse: (ms) => systemClock.sleep(ms),
    async putRaw(queue, text) {
      await admin.call('LPUSH', prefix + queue, text);
    },
    open: (options) => keep(transport.open(optionsFor(options))),
    close,
  };
}

async function transportHarness(server: URL): Promise<TransportHarness> {
  const { keep, optionsFor, close } = await space(server);
  return {
    transport,
    firstPriority: 'lowest',
    now: () => systemClock.now(),
    elapse: (ms) => systemClock.sleep(ms),
    connect: (options) => keep(transport.connect(optionsFor(options))),
    close,
  };
}
