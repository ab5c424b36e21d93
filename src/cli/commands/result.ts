import { maskText } from '../../kernel/broker-url.ts';
import type { Duration } from '../../kernel/duration.ts';
import { TimeoutError } from '../../errors.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { resultText } from '../output.ts';
import { seconds } from '../values.ts';

interface ResultOptions {
  readonly task?: string;
  readonly traceback?: boolean;
  readonly timeout?: Duration;
}

export const result = defineCommand<ResultOptions>({
  name: 'result',
  help: 'Wait for the result of a task, and print it.',
  examples: ['-A tasks result 4e196aa4-0141-4601-8138-7aa33db0f577', '-A tasks result --traceback 4e196aa4-0141-4601-8138-7aa33db0f577'],
  define: (command) =>
    void command
      .argument('<task_id>', 'Id of the task.')
      .option('-t, --task <name>', 'Name of the task; taken for Celery’s sake, not needed.')
      .option('--traceback', 'Print the traceback of a failure instead.')
      .option('--timeout <seconds>', 'Give up after so long. Without it, wait for ever.', seconds),
  async run({ args: [id], options, context }) {
    const app = await context.app();
    try {
      const handle = app.AsyncResult(id!);
      if (options.traceback === true) {
        context.print((await handle.traceback()) ?? 'None');
        return exitCodes.ok;
      }
      if (!(await handle.ready())) context.terminal.err(`${waitingFor(id!, await handle.state(), options.timeout)}\n`);
      const value = await handle.get({ propagate: false, ...(options.timeout === undefined ? {} : { timeout: options.timeout }) });
      if (!(value instanceof Error)) {
        context.print(resultText(value));
        return exitCodes.ok;
      }
      if (value instanceof TimeoutError) throw value;
      context.terminal.err(`${maskText((await handle.traceback()) ?? value.stack ?? value.message).trimEnd()}\n`);
      return exitCodes.failure;
    } finally {
      await app.close();
    }
  },
});

/** An id that nobody knows is one that is still to come: without a word it would look as if the command hung. */
function waitingFor(id: string, state: string, timeout: Duration | undefined): string {
  const what = state === 'PENDING' ? `Nothing is stored of task ${id}: it has not run yet, or its id is another` : `Task ${id} is ${state}`;
  const howLong =
    timeout === undefined ? 'for as long as it takes (Ctrl+C ends that; --timeout 10 gives up after 10 s)' : `for at most ${shownSeconds(timeout)}`;
  return `${what}. Waiting ${howLong}.`;
}

const shownSeconds = (timeout: Duration): string => (typeof timeout === 'number' ? `${timeout} s` : timeout);
