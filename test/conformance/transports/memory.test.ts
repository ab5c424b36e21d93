import { describe, test } from 'vitest';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { describeQueueStore, type QueueStoreHarness } from '../../../src/testing/conformance/queue-store.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { forgetMemoryHub } from '../../../src/transports/memory/hub.ts';
import { transport } from '../../../src/transports/memory/index.ts';
import { leaseTimes } from '../../../src/transports/virtual/lease.ts';
import type { QueueStore } from '../../../src/transports/virtual/queue-store.ts';

describeQueueStore({ describe, test }, 'memory', queueStoreHarness);

function queueStoreHarness(): Promise<QueueStoreHarness> {
  const clock = createFakeClock();
  const name = newId();
  const opened: QueueStore[] = [];
  return Promise.resolve({
    capabilities: transport.capabilities,
    times: leaseTimes({}),
    firstPriority: 'highest',
    now: () => clock.now(),
    elapse: (ms) => clock.advance(ms),
    async open(options = {}) {
      const store = await transport.open({
        url: new URL(`memory://${name}`),
        owner: options.owner ?? newId(),
        timeoutMs: 1000,
        heartbeatMs: 0,
        transportOptions: {},
        clock,
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
      forgetMemoryHub(name);
    },
  });
}
