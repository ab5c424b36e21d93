import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import type { ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/sqlite/index.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { type BackendHarness, describeBackend } from '../../../src/testing/conformance/backend.ts';
import { describeChordStore } from '../../../src/testing/conformance/chord-store.ts';
import { openBackend } from '../../kit/open-backend.ts';

describeBackend({ describe, test }, 'sqlite', backendHarness);
describeChordStore({ describe, test }, 'sqlite', backendHarness);

/** A file of its own for each harness. */
function backendHarness(): Promise<BackendHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  const url = new URL(`sqlite:///${join(directory, 'results.db')}`);
  const opened: ResultBackend[] = [];
  return Promise.resolve({
    capabilities: { pushes: true, expires: true, durable: true, chords: 'store' },
    elapse: (ms) => systemClock.sleep(ms),
    async open(options = {}) {
      const backend = await openBackend(driver, { url, clock: systemClock }, options);
      opened.push(backend);
      return backend;
    },
    async close() {
      for (const backend of opened) await backend[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  });
}
