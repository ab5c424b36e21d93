import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../kernel/clock.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { leaseTimes } from './lease.ts';
import type { LeaseThreadData, LeaseThreadReport } from './lease-thread.ts';
import type { QueueStore } from './queue-store.ts';
import type { VirtualTransport } from './transport.ts';

/* The lease thread: watches the main loop's signs, and renews in its place while it is silent. */

const data = workerData as LeaseThreadData;
const signs = new BigInt64Array(data.signs);
const times = leaseTimes(data.options.transportOptions);
const report = (message: LeaseThreadReport): void => parentPort?.postMessage(message);
const ageMs = (index: number): number => systemClock.now() - Number(Atomics.load(signs, index));

await run();

async function run(): Promise<void> {
  const { transport } = (await import(data.module)) as { readonly transport: VirtualTransport };
  const open = (): Promise<QueueStore> =>
    transport.open({ ...data.options, role: 'lease', url: new URL(data.url), clock: systemClock, log: silentLogger, signal: new AbortController().signal });
  // Open before it is needed: when the loop is blocked there may be no time left.
  const state: { store: QueueStore | undefined; renewedAt: number } = { store: undefined, renewedAt: 0 };
  for (;;) {
    try {
      state.store ??= await open();
      if (isNeeded(state.renewedAt)) {
        const at = systemClock.now();
        if (!(await state.store.renew(times.leaseMs))) return report({ kind: 'lost' });
        state.renewedAt = at;
      }
    } catch (error) {
      report({ kind: 'error', message: String((error as Error).message) });
      await letGo(state.store);
      state.store = undefined;
    }
    await systemClock.sleep(times.renewMs / 4);
  }
}

/** The main loop has missed a renewal, but is not yet given up. */
function isNeeded(renewedAt: number): boolean {
  const isHung = ageMs(0) > times.visibilityTimeoutMs;
  const sinceRenewal = Math.min(ageMs(1), systemClock.now() - renewedAt);
  return !isHung && sinceRenewal > times.renewMs * 1.25;
}

/** Of a store that has just failed: that it does not close either is no news. */
async function letGo(store: QueueStore | undefined): Promise<void> {
  try {
    await store?.[Symbol.asyncDispose]();
  } catch {
    // Said above.
  }
}
