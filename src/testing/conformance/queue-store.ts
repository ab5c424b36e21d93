import { leaseCases } from './queue-store/leases.ts';
import type { QueueStoreHarness } from './queue-store/harness.ts';
import { messageCases } from './queue-store/messages.ts';
import { routingCases } from './queue-store/routing.ts';
import { settlingCases } from './queue-store/settling.ts';
import { takingCases } from './queue-store/taking.ts';
import { describeCases, type TestFramework } from './suite.ts';

export type { QueueStoreHarness } from './queue-store/harness.ts';

/** What `transports/virtual/queue-store.ts` promises, for one driver. Each case gets a harness of its own. */
export function describeQueueStore(framework: TestFramework, name: string, createHarness: () => Promise<QueueStoreHarness>): void {
  framework.describe(`${name} as a queue store`, () => {
    describeCases(framework, 'taking', takingCases, createHarness);
    describeCases(framework, 'settling', settlingCases, createHarness);
    describeCases(framework, 'leases and due times', leaseCases, createHarness);
    describeCases(framework, 'messages', messageCases, createHarness);
    describeCases(framework, 'bindings and broadcasts', routingCases, createHarness);
  });
}
