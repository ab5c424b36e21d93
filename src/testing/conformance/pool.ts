import type { PoolName } from '../../pools/pool.ts';
import { endingCases } from './pool/ending.ts';
import { poolHarness } from './pool/harness.ts';
import { runningCases } from './pool/running.ts';
import { describeCases, type TestFramework } from './suite.ts';

/** What `pools/pool.ts` promises, for one kind of pool. */
export function describePool(framework: TestFramework, name: PoolName): void {
  framework.describe(`the ${name} pool`, () => {
    describeCases(framework, 'running', runningCases, () => poolHarness(name));
    describeCases(framework, 'ending', endingCases, () => poolHarness(name));
  });
}
