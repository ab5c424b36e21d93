import { aborted, withDeadline } from './deadline.ts';
import type { WorkerContext } from './context.ts';
import type { Runner } from './runner.ts';

/** Warm: finish what runs. Soft: give it `workerSoftShutdownTimeout`. Cold: abort and give back. */
export type StopMode = 'warm' | 'soft' | 'cold';

/** How long the broker may take to hear the last verdicts of a cold stop. */
const VERDICTS_MS = 5000;

/** Takes no more, gives back what has not started, waits for what runs; gives that up as well when `cold` aborts. */
export async function drain({
  context,
  runner,
  cold,
}: {
  readonly context: WorkerContext;
  readonly runner: Runner;
  readonly cold: AbortSignal;
}): Promise<void> {
  const { clock, consumer, pool, reservations } = context;
  context.isTaking = false;
  context.applyWindow();
  await Promise.race([consumer?.pause(), aborted(cold)]);
  for (const request of reservations.unstarted()) runner.giveBack(request);
  // In the pool, but not begun: they come back through `onReturned`.
  pool.recall?.();
  await Promise.race([runner.idle(), aborted(cold)]);
  if (!cold.aborted) return;
  for (const request of reservations.of('running')) runner.abandon(request, cold.reason as Error);
  await withDeadline(clock, VERDICTS_MS, (late) => Promise.race([runner.idle(), aborted(late)]));
}
