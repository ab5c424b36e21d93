import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { describeQueueStore, type QueueStoreHarness } from '../../../src/testing/conformance/queue-store.ts';
import { describeTransport, type TransportHarness } from '../../../src/testing/conformance/transport.ts';
import { transport } from '../../../src/transports/sqlite/index.ts';
import type { ConnectOptions } from '../../../src/transports/transport.ts';
import { leaseTimes } from '../../../src/transports/virtual/lease-times.ts';

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
function file() {
  const directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  const opened: AsyncDisposable[] = [];
  return {
    url: new URL(`sqlite:///${join(directory, 'broker.db')}`),
    async keep<T extends AsyncDisposable>(opening: Promise<T>): Promise<T> {
      const one = await opening;
      opened.push(one);
      return one;
    },
    async close() {
      for (const one of opened) await one[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

function queueStoreHarness(): Promise<QueueStoreHarness> {
  const { url, keep, close } = file();
  return Promise.resolve({
    capabilities: transport.capabilities,
    times: leaseTimes(TIMES),
    firstPriority: 'highest',
    now: () => systemClock.now(),
    elapse: (ms) => systemClock.sleep(ms),
    open: (options) => keep(transport.open(optionsFor(url, options))),
    close,
  });
}

function transportHarness(): Promise<TransportHarness> {
  const { url, keep, close } = file();
  return Promise.resolve({
    transport,
    firstPriority: 'highest',
    now: () => systemClock.now(),
    elapse: (ms) => systemClock.sleep(ms),
    connect: (options) => keep(transport.connect(optionsFor(url, options))),
    close,
  });
}

describeQueueStore({ describe, test }, 'sqlite', queueStoreHarness);
describeTransport({ describe, test }, 'sqlite', transportHarness);
