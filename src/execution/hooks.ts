import type { Logger } from '../kernel/logger.ts';
import { withRun } from './context.ts';
import type { RunnableTask } from './env.ts';
import type { Outcome } from './outcome.ts';
import type { TaskRun } from './run.ts';

/** Runs what user code wants to hear once the result is stored. What it throws is logged only: the outcome is recorded, and a second one would be a lie. */
export async function runAfter(task: RunnableTask, run: TaskRun, outcome: Outcome, log: Logger): Promise<void> {
  const { task: name, id } = run.received.headers;
  try {
    await withRun(run, () => task.after(run, outcome));
    await run.idle();
  } catch (error) {
    log.error(`A hook of task ${name}[${id}] raised an error after its ${outcome.state}`, { error });
  }
}
