import type { BackendHarness } from './backend/harness.ts';
import { savingCases } from './backend/saving.ts';
import { watchingCases } from './backend/watching.ts';
import { describeCases, type TestFramework } from './suite.ts';

export { type BackendHarness, jsonCodec, type OpenBackend } from './backend/harness.ts';

/** What `ResultBackend` promises, for one driver. Chords are in `chord-store.ts`. Each case gets a harness of its own. */
export function describeBackend(framework: TestFramework, name: string, createHarness: () => Promise<BackendHarness>): void {
  framework.describe(`${name} as a result backend`, () => {
    describeCases(framework, 'saving', savingCases, createHarness);
    describeCases(framework, 'watching', watchingCases, createHarness);
  });
}
