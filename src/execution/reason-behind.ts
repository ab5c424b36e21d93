import type { TaskRun } from './run.ts';

/**
 * What really ended a run: Node's own functions that are given `self.signal` throw an AbortError and have the signal's reason in `cause`.
 * Everything else, an AbortError of another signal too, stands for itself.
 */
export function reasonBehind(error: unknown, run: TaskRun): unknown {
  const reason = run.abortReason;
  return reason !== undefined && error instanceof Error && error.name === 'AbortError' && error.cause === reason ? reason : error;
}
