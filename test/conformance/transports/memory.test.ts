import { describe, test } from 'vitest';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { describeQueueStore, type QueueStoreHarness } from '../../../src/testing/conformance/queue-store.ts';
import { describeTransport, type TransportHarness } from '../../../src/testing/conformance/transport.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { forgetMemoryHub } from '../../../src/transports/memory/hub.ts';
import { transport } from '../../../src/transports/memory/index.ts';
import type { ConnectOptions } from '../../../src/transports/transport.ts';
import { leaseTimes } from '../../../src/transports/virtual/lease-times.ts';

describeQueueStore({ describe, test }, 'memory', queueStoreHarness);
describeTransport({ describe, test }, 'memory', transportHarness);

/** A broker of its own under a fake clock. */
function memory() {
  const clock = createFakeClock();
  const name = newId();
  const opened: AsyncDisposable[] = [];
  return {
    clock,
    options: (owner = newId(), maxMessageBytes = 64 * 2 ** 20): ConnectOptions => ({
      url: new URL(`memory://${name}`),
      owner,
      timeoutMs: 1000,
      heartbeatMs: 0,
      transportOptions: {},
      clock,
      log: silentLogger,
      role: 'test',
      maxMessageBytes,
      signal: new AbortController().signal,
    }),
    async keep<T extends AsyncDisposable>(opening: Promise<T>): Promise<T> {
      const one = await opening;
      opened.push(one);
      return one;
    },
    async close() {
      for (const one of opened) await one[Symbol.asyncDispose]();
      forgetMemoryHub(name);
    },
  };
}

function queueStoreHarness(): Promise<QueueStoreHarness> {
  const { clock, options, keep, close } = memory();
  return Promise.resolve({
    capabilities: transport.capabilities,
    times: leaseTimes({}),
    firstPriority: 'highest',
    now: () => clock.now(),
    elapse: (ms) => clock.advance(ms),
    open: ({ owner, maxMessageBytes } = {}) => keep(transport.open(options(owner, maxMessageBytes))),
    close,
  });
}

function transportHarness(): Promise<TransportHarness> {
  const { clock, options, keep, close } = memory();
  return Promise.resolve({
    transport,
    firstPriority: 'highest',
    now: () => clock.now(),
    elapse: (ms) => clock.advance(ms),
    connect: ({ owner } = {}) => keep(transport.connect(options(owner))),
    close,
  });
}
