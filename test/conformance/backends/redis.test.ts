import { describe, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/redis/index.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { type BackendHarness, describeBackend } from '../../../src/testing/conformance/backend.ts';
import { describeChordStore } from '../../../src/testing/conformance/chord-store.ts';
import { openBackend } from '../../kit/open-backend.ts';
import { openAdmin } from '../../kit/redis-admin.ts';

const url = process.env['CELERIAC_TEST_REDIS'];

if (url === undefined) test.skip('redis: the environment variable CELERIAC_TEST_REDIS is not set', () => undefined);
else {
  describeBackend({ describe, test }, 'redis', () => backendHarness(new URL(url)));
  describeChordStore({ describe, test }, 'redis', () => backendHarness(new URL(url)));
}

/** A key prefix of its own stands for a server of its own. */
async function backendHarness(server: URL): Promise<BackendHarness> {
  const prefix = `${newId()}:`;
  const admin = await openAdmin(server);
  const opened: ResultBackend[] = [];
  return {
    capabilities: { pushes: true, expires: true, durable: true, chords: 'store' },
    elapse: (ms) => systemClock.sleep(ms),
    async open(options = {}) {
      const backend = await openBackend(driver, { url: server, clock: systemClock, transportOptions: { global_keyprefix: prefix } }, options);
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
