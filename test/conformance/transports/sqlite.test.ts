import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { describeQueueStore, type QueueStoreHarness } from '../../../src/testing/conformance/queue-store.ts';
import { transport } from '../../../src/transports/sqlite/index.ts';
import type { ConnectOptions } from '../../../src/transports/transport.ts';
import { leaseTimes } from '../../../src/transports/virtual/lease.ts';
import type { QueueStore } from '../../../src/transports/virtual/queue-store.ts';

const TIMES = { lease_ms: 300, lease_renew_ms: 80, lease_look_ms: 100 };

function optionsFor(url: URL, more: { readonly owner?: string; readonly maxMessageBytes?: number } = {}): ConnectOptions {
  return {
    url,
    owner: more.owner ?? newId(),
    timeoutMs: 5000,
    heartbeatMs: 0,
    transportOptions: TIMES,
    clock: systemClock,
    log: silentLogger,
    role: 'test',
    maxMessageBytes: more.maxMessageBytes ?? 64 * 2 ** 20,
    signal: new AbortController().signal,
  };
}

/** A file of its own for each harness. */
async function createHarness(): Promise<QueueStoreHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  const url = new URL(`sqlite:///${join(directory, 'broker.db')}`);
  const stores: QueueStore[] = [];
  return {
    capabilities: transport.capabilities,
    times: leaseTimes(TIMES),
    firstPriority: 'highest',
    now: () => systemClock.now(),
    elapse: (ms) => systemClock.sleep(ms),
    async open(options) {
      const store = await transport.open(optionsFor(url, options));
      stores.push(store);
      return store;
    },
    async close() {
      for (const store of stores) await store[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

describeQueueStore({ describe, test }, 'sqlite', createHarness);
