import type { ExecutionEnv } from '../execution/env.ts';
import type { Outcome } from '../execution/outcome.ts';
import { exhausted, nextAttempt } from '../execution/retry.ts';
import { encodeJson } from '../protocol/json-text.ts';
import type { Request } from './request.ts';

type Failure = Extract<Outcome, { state: 'FAILURE' }>;

/** What a task whose child was lost comes to: with `retryOnWorkerLost` the next attempt, as `retry()` would make it; else, or when no retry is left, the failure. */
export async function lostOutcome(request: Request, outcome: Failure, env: Pick<ExecutionEnv, 'clock'>): Promise<Outcome> {
  const { received, task } = request;
  if (!task.policy.retryOnWorkerLost) return outcome;
  const retried = { received, body: await received.body(), task, now: env.clock.now() };
  // Celery's own wording; the error of the lost child is what a last failure shows.
  if (exhausted(retried, { exc: outcome.error }) !== undefined) return outcome;
  const seconds = Number((task.policy.defaultRetryDelayMs / 1000).toFixed(3));
  const traceback = `celery.exceptions.Retry: Retry in ${seconds}s: ${outcome.error.repr}\n`;
  const { runtimeMs, children, endsHere, error } = outcome;
  return { runtimeMs, children, endsHere, state: 'RETRY', error: { ...error, traceback }, signatureJson: encodeJson(nextAttempt(retried, {})) };
}
