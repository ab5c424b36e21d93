import type { Logger } from '../kernel/logger.ts';
import { currentRun } from './context.ts';

/**
 * Logs what tasks leave behind: promises that are rejected with nobody waiting, and, where `exceptions` says so, what is thrown by timers and listeners.
 * Either would end the process, with all that runs in it. Disposing gives that back.
 */
export function logStrayErrors(log: Logger, options: { readonly exceptions: boolean }): Disposable {
  const rejected = (error: unknown): void => log.error(`${whose()} left a rejected promise behind; await it, or catch its error`, { error });
  const thrown = (error: unknown): void =>
    log.critical(`${whose()} threw where nobody could catch it: in a timer, a listener or a callback. The process goes on`, { error });
  process.on('unhandledRejection', rejected);
  if (options.exceptions) process.on('uncaughtException', thrown);
  return {
    [Symbol.dispose]() {
      process.off('unhandledRejection', rejected);
      process.off('uncaughtException', thrown);
    },
  };
}

/** Known where Node calls us in the context of the promise or timer; a task may have ended long before. */
function whose(): string {
  const run = currentRun();
  return run === undefined ? 'Something in this process, perhaps a task,' : `Task ${run.received.headers.task}[${run.received.headers.id}]`;
}
