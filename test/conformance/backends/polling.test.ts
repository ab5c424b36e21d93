import { describe, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { forgetResultHub } from '../../../src/backends/memory/hub.ts';
import { driver } from '../../../src/backends/memory/index.ts';
import { pollingWatch } from '../../../src/backends/polling.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { type BackendHarness, describeBackend } from '../../../src/testing/conformance/backend.ts';
import { createFakeClock, type FakeClock } from '../../../src/testing/fake-clock.ts';
import { openBackend } from '../../kit/open-backend.ts';

describeBackend({ describe, test }, 'memory, watched by polling,', backendHarness);

/** The memory backend, with the watch of stores that cannot push. */
function polled(backend: ResultBackend, clock: FakeClock): ResultBackend {
  const { chords: _none, ...capabilities } = backend.capabilities;
  return {
    capabilities: { ...capabilities, chords: 'none', pushes: false },
    save: (...args) => backend.save(...args),
    load: (id) => backend.load(id),
    forget: (ids) => backend.forget(ids),
    async *watch(ids, options) {
      const load = async (some: readonly string[]) => (await Promise.all(some.map((id) => backend.load(id)))).filter((meta) => meta !== undefined);
      yield* pollingWatch(load, ids, { ...options, clock, batch: 7 });
    },
    saveGroup: (id, tree) => backend.saveGroup(id, tree),
    loadGroup: (id) => backend.loadGroup(id),
    forgetGroup: (id) => backend.forgetGroup(id),
    [Symbol.asyncDispose]: async () => backend[Symbol.asyncDispose](),
  };
}

function backendHarness(): Promise<BackendHarness> {
  const clock = createFakeClock();
  const name = newId();
  return Promise.resolve({
    capabilities: { pushes: false, expires: true, durable: false, chords: 'none' },
    elapse: (ms) => clock.advance(ms),
    async open(options = {}) {
      const backend = await openBackend(driver, { url: new URL(`memory://${name}`), clock }, options);
      return polled(backend, clock);
    },
    async close() {
      forgetResultHub(name);
    },
  });
}
