import { describe, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { forgetResultHub } from '../../../src/backends/memory/hub.ts';
import { driver } from '../../../src/backends/memory/index.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { type BackendHarness, describeBackend } from '../../../src/testing/conformance/backend.ts';
import { describeChordStore } from '../../../src/testing/conformance/chord-store.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { openBackend } from '../../kit/open-backend.ts';

describeBackend({ describe, test }, 'memory', backendHarness);
describeChordStore({ describe, test }, 'memory', backendHarness);

function backendHarness(): Promise<BackendHarness> {
  const clock = createFakeClock();
  const name = newId();
  const opened: ResultBackend[] = [];
  return Promise.resolve({
    capabilities: { pushes: true, expires: true, durable: false, chords: 'store' },
    elapse: (ms) => clock.advance(ms),
    async open(options = {}) {
      const backend = await openBackend(driver, { url: new URL(`memory://${name}`), clock }, options);
      opened.push(backend);
      return backend;
    },
    async close() {
      for (const backend of opened) await backend[Symbol.asyncDispose]();
      forgetResultHub(name);
    },
  });
}
