import type { Outcome } from '../execution/outcome.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Request } from './request.ts';

/** One line for each task that has ended, in Celery's words. */
export function logOutcome(log: Logger, request: Request, outcome: Outcome): void {
  if (outcome.state === 'SUCCESS' && log.isEnabled?.('INFO') === false) return;
  const { label } = request;
  switch (outcome.state) {
    case 'SUCCESS':
      return log.info(`Task ${label} succeeded in ${seconds(outcome.runtimeMs)}s: ${outcome.repr ?? outcome.valueJson}`);
    case 'FAILURE': {
      const { error } = outcome;
      if (request.task.policy.throwsExpected(error.exc_type)) return log.info(`Task ${label} raised expected: ${error.repr}`);
      return log.error(`Task ${label} raised unexpected: ${error.repr}`, error.traceback === null ? undefined : { error: error.traceback });
    }
    case 'RETRY':
      return log.info(`Task ${label} retry: ${retryLine(outcome.error.traceback) ?? outcome.error.repr}`);
    case 'REVOKED':
      return outcome.reason === 'terminated' ? log.warn(`Task ${label} was terminated`) : log.info(`Discarding ${outcome.reason} task: ${label}`);
    case 'REJECTED':
      return log.warn(`Task ${label} rejected${outcome.requeue ? ' and requeued' : ''}: ${outcome.error.repr}`);
    case 'REPLACED':
      return log.info(`Task ${label} replaced`);
    case 'IGNORED':
      return log.info(`Task ${label} ignored`);
  }
}

/** Microseconds are enough, and never in exponents. */
const seconds = (ms: number): number => Number((ms / 1000).toFixed(6));

/** `Retry in 3s: KeyError('k')`: the last line of a RETRY's traceback. */
const retryLine = (traceback: string | null): string | undefined => /celery\.exceptions\.Retry: (.*)\s*$/.exec(traceback ?? '')?.[1];
