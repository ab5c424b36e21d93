import { describe, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/redis/index.ts';
import { redisAddress } from '../../../src/clients/redis-address.ts';
import { openRedis } from '../../../src/clients/redis.ts';
import { resolveSettings } from '../../../src/config/resolve.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { type BackendHarness, describeBackend, jsonCodec } from '../../../src/testing/conformance/backend.ts';
import { describeChordStore } from '../../../src/testing/conformance/chord-store.ts';

const url = process.env['CELERIAC_TEST_REDIS'];

if (url === undefined) test.skip('redis: the environment variable CELERIAC_TEST_REDIS is not set', () => undefined);
else {
  describeBackend({ describe, test }, 'redis', () => backendHarness(new URL(url)));
  describeChordStore({ describe, test }, 'redis', () => backendHarness(new URL(url)));
}

/** A key prefix of its own stands for a server of its own. */
async function backendHarness(server: URL): Promise<BackendHarness> {
  const prefix = `${newId()}:`;
  const admin = await openRedis(redisAddress(server, { transportOptions: {} }), {
    name: 'celeriac/test/admin',
    timeoutMs: 5000,
    clock: systemClock,
    socketTimeoutMs: 60_000,
  });
  const opened: ResultBackend[] = [];
  return {
    capabilities: { pushes: true, expires: true, durable: true, chords: 'store' },
    elapse: (ms) => systemClock.sleep(ms),
    async open(options = {}) {
      const backend = await driver.open({
        url: server,
        clock: systemClock,
        log: silentLogger,
        codec: jsonCodec,
        expiresMs: options.expiresMs ?? null,
        failureExpiresMs: options.failureExpiresMs ?? null,
        chordExpiresMs: options.chordExpiresMs ?? null,
        chordJoinTimeoutMs: options.chordJoinTimeoutMs ?? 3000,
        transportOptions: { global_keyprefix: prefix },
        settings: resolveSettings([{}]),
      });
      opened.push(backend);
      return backend;
    },
    async close() {
      for (const backend of opened) await backend[Symbol.asyncDispose]();
      const left = (await admin.call('KEYS', `${prefix}*`)) as string[];
      if (left.length > 0) await admin.call('DEL', ...left);
      await admin.close();
    },
  };
}
