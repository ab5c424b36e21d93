import type { ReceivedTask } from '../protocol/task-message.ts';
import { encodeJson } from '../protocol/json-text.ts';
import type { ExecutionEnv, RunnableTask } from './env.ts';
import type { Outcome } from './outcome.ts';
import { exhausted, nextAttempt } from './retry.ts';

type Failure = Extract<Outcome, { state: 'FAILURE' }>;

/**
 * What a lost child means for the task it ran: another attempt with `retryOnWorkerLost` (Celery 5.7), back to the queue with
 * `rejectOnWorkerLost` where the ack is late, else the FAILURE that it is. An attempt more than allowed is a FAILURE, never a redelivery.
 */
export async function afterLoss(received: ReceivedTask, task: RunnableTask, lost: Failure, env: ExecutionEnv): Promise<Outcome> {
  if (task.policy.retryOnWorkerLost) {
    const attempt = await nextAfterLoss(received, task, lost, env);
    if (attempt !== undefined) return attempt;
  } else if (task.policy.rejectOnWorkerLost && task.policy.acksLate) {
    return { ...lost, state: 'REJECTED', requeue: true };
  }
  return lost;
}

async function nextAfterLoss(received: ReceivedTask, task: RunnableTask, lost: Failure, env: ExecutionEnv): Promise<Outcome | undefined> {
  try {
    const body = await received.body();
    if (exhausted({ received, body, task }, {}) !== undefined) return undefined;
    return { ...lost, state: 'RETRY', signatureJson: encodeJson(nextAttempt({ received, body, task, now: env.clock.now() }, {})) };
  } catch (error) {
    env.log.error(`Task ${received.headers.task}[${received.headers.id}] was lost and cannot be sent again`, { error });
    return undefined;
  }
}

export function isWorkerLost(outcome: Outcome): outcome is Failure {
  return outcome.state === 'FAILURE' && outcome.error.exc_type === 'WorkerLostError' && outcome.error.exc_module === 'billiard.exceptions';
}
