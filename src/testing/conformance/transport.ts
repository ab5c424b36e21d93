import { describeCases, type TestFramework } from './suite.ts';
import { consumingCases } from './transport/consuming.ts';
import type { TransportHarness } from './transport/harness.ts';
import { routingCases } from './transport/routing.ts';

export type { QueueKind, TransportHarness } from './transport/harness.ts';

/** What `transports/transport.ts` promises, for one driver. Each case gets a harness of its own. */
export function describeTransport(framework: TestFramework, name: string, createHarness: () => Promise<TransportHarness>): void {
  framework.describe(`${name} as a transport`, () => {
    describeCases(framework, 'exchanges and bindings', routingCases, createHarness);
    describeCases(framework, 'consuming', consumingCases, createHarness);
  });
}
