import { AsyncLocalStorage } from 'node:async_hooks';
import type { Run } from './env.ts';

const running = new AsyncLocalStorage<Run>();

/** The run that the calling code belongs to; undefined outside a task. */
export function currentRun(): Run | undefined {
  return running.getStore();
}

/** Calls `action` as part of a run, with all that it awaits. */
export function withRun<T>(run: Run, action: () => T): T {
  return running.run(run, action);
}
