import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../kernel/clock.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { leaseTimes } from './lease-times.ts';
import type { LeaseDriver, LeaseHolder, LeaseThreadData, LeaseThreadReport } from './lease-thread.ts';

/* The lease thread: watches the main loop's signs, and renews in its place while it is silent. */

const data = workerData as LeaseThreadData;
const signs = new BigInt64Array(data.signs);
const times = leaseTimes(data.options.transportOptions);
const report = (message: LeaseThreadReport): void => parentPort?.postMessage(message);
const ageMs = (index: number): number => systemClock.now() - Number(Atomics.load(signs, index));

await run();

async function run(): Promise<void> {
  const { lease } = (await import(data.module)) as { readonly lease: LeaseDriver };
  const open = (): Promise<LeaseHolder> =>
    lease.open({ ...data.options, role: 'lease', url: new URL(data.url), clock: systemClock, log: silentLogger, signal: new AbortController().signal });
  // Open before it is needed: when the loop is blocked there may be no time left.
  const state: { holder: LeaseHolder | undefined; renewedAt: number } = { holder: undefined, renewedAt: 0 };
  for (;;) {
    try {
      state.holder ??= await open();
      if (isNeeded(state.renewedAt)) {
        const at = systemClock.now();
        if (!(await state.holder.renew(times.leaseMs))) return report({ kind: 'lost' });
        state.renewedAt = at;
      }
    } catch (error) {
      report({ kind: 'error', message: String((error as Error).message) });
      await letGo(state.holder);
      state.holder = undefined;
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

/** Of what has just failed: that it does not close either is no news. */
async function letGo(holder: LeaseHolder | undefined): Promise<void> {
  try {
    await holder?.[Symbol.asyncDispose]();
  } catch {
    // Said above.
  }
}
