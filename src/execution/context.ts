import { surroundings } from '../canvas/caller.ts';
import type { Run } from './env.ts';

/** The run that the calling code belongs to; undefined outside a task. */
export function currentRun(): Run | undefined {
  return surroundings.getStore() as Run | undefined;
}

/** Calls `action` as part of a run, with all that it awaits. */
export function withRun<T>(run: Run, action: () => T): T {
  return surroundings.run(run, action);
}
