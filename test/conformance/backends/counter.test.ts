import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { BackendHarness } from '../../../src/testing/conformance/backend.ts';
import { describeChordCounter } from '../../../src/testing/conformance/chord-counter.ts';
import { fileBackend } from '../../kit/file-backend.ts';
import { openBackend } from '../../kit/open-backend.ts';

/* The suite as a third party uses it, on the store with a counter that tests of chords have. */

describeChordCounter({ describe, test }, 'files', harness);

function harness(): Promise<BackendHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-files-'));
  return Promise.resolve({
    capabilities: { pushes: false, expires: false, durable: true, chords: 'counter' },
    elapse: (ms) => systemClock.sleep(ms),
    open: (options = {}) => openBackend(fileBackend('counter'), { url: new URL(`file://${folder}`), clock: systemClock }, options),
    close: () => Promise.resolve(rmSync(folder, { recursive: true })),
  });
}
