import { Ignore, Reject, Retry, ValidationError, type RetryOptions } from '../errors.ts';
import type { Clock } from '../kernel/clock.ts';
import { pythonRepr } from '../kernel/repr.ts';
import { encodeJson } from '../protocol/json-text.ts';
import type { Value } from '../protocol/json.ts';
import { endsHere, type ReceivedTask, type TaskBody } from '../protocol/task-message.ts';
import { withRun } from './context.ts';
import type { RunnableTask } from './env.ts';
import type { TaskHost } from './host.ts';
import type { Outcome, Ran, TaskErrorData } from './outcome.ts';
import { knownErrors } from './outcomes.ts';
import { Replaced, replacement } from './replace.ts';
import { exhausted, nextAttempt, retryText, waitMs } from './retry.ts';
import { TaskRun } from './run.ts';

/** What a handler threw, by its outcome: hooks that run in the same process get the error itself, not a copy made from data. */
const thrown = new WeakMap<Outcome, unknown>();

/** The error behind an outcome, where the outcome was made in this process. */
export function thrownBy(outcome: Outcome): unknown {
  return thrown.get(outcome);
}

/**
 * Runs a task and says how it ended; never throws. The one place where Retry, Ignore, Reject and `replace` are caught and values are encoded.
 * Waits until the calls the task made have been answered, awaited or not, so that none is lost and all children are known.
 */
export async function runTask(
  received: ReceivedTask,
  task: RunnableTask,
  host: TaskHost,
  clock: Clock,
  run: TaskRun = new TaskRun(received, host),
): Promise<Outcome> {
  const startedAt = clock.monotonic();
  let body: TaskBody | undefined;
  let valueJson = '';
  let repr = '';
  let failed: ((ran: Ran) => Outcome) | undefined;
  try {
    const read = received.body();
    const readBody = (body = read instanceof Promise ? await read : read);
    const returned = withRun(run, () => task.run(run, readBody));
    // A plain value costs no promise: each of them is dear while contexts are tracked (performance.md 11).
    const value = isThenable(returned) ? await returned : returned;
    // Encoded here: what cannot travel fails the task, and nobody else.
    valueJson = encodeJson(value as Value);
    repr = pythonRepr(value ?? null, { maxLength: task.policy.resultReprMaxsize });
  } catch (error) {
    failed = ended(error, { run, task, body, now: clock.now() });
  }
  const calls = run.idle();
  if (calls !== undefined) await calls;
  const runtimeMs = clock.monotonic() - startedAt;
  const { children } = run;
  const isLast = body === undefined || endsHere(body.embed);
  if (failed !== undefined) return failed({ runtimeMs, children, endsHere: isLast });
  return { runtimeMs, children, endsHere: isLast, state: 'SUCCESS', valueJson, repr };
}

interface Attempt {
  readonly run: TaskRun;
  readonly task: RunnableTask;
  readonly body: TaskBody | undefined;
  readonly now: number;
}

function ended(error: unknown, attempt: Attempt): (ran: Ran) => Outcome {
  try {
    return interpreted(error, attempt);
  } catch (second) {
    return failure(second, attempt);
  }
}

function interpreted(error: unknown, attempt: Attempt): (ran: Ran) => Outcome {
  const { body, run, task } = attempt;
  if (error instanceof Ignore) return (ran) => ({ ...ran, state: 'IGNORED' });
  if (error instanceof Reject) {
    const data = dataOf(error, task);
    return (ran) => noted({ ...ran, state: 'REJECTED', requeue: error.requeue, error: data }, error);
  }
  // Without a body nothing has run: the message itself could not be read.
  if (body === undefined) return failure(error, attempt);
  if (error instanceof Retry) return retried(error, { ...attempt, body });
  if (error instanceof Replaced) {
    const signatureJson = encodeJson(replacement(run.received, body, error.signature));
    return (ran) => ({ ...ran, state: 'REPLACED', signatureJson });
  }
  const auto = task.policy.autoretry;
  if (auto === null || error instanceof ValidationError || !auto.matches(error)) return failure(error, attempt);
  const delayMs = auto.delayMs(run.received.headers.retries, error);
  const options: RetryOptions = {
    exc: error,
    maxRetries: run.maxRetries ?? auto.maxRetries,
    ...(delayMs === null ? {} : { countdown: `${delayMs}ms` }),
  };
  return retried(new Retry(options), { ...attempt, body });
}

function retried(retry: Retry, attempt: Attempt & { readonly body: TaskBody }): (ran: Ran) => Outcome {
  const { run, task, body, now } = attempt;
  const what = { received: run.received, body, task, now };
  const instead = exhausted(what, retry.options);
  if (instead !== undefined) return failure(instead, attempt);
  const signatureJson = encodeJson(nextAttempt(what, retry.options));
  const cause = retry.options.exc ?? retry;
  const data = dataOf(cause, task);
  const last = retryText(retry, waitMs(what, retry.options), data.repr);
  const error = { ...data, traceback: `${data.traceback ?? ''}\ncelery.exceptions.Retry: ${last}\n`.trimStart() };
  return (ran) => noted({ ...ran, state: 'RETRY', error, signatureJson }, cause);
}

function failure(error: unknown, { task }: Attempt): (ran: Ran) => Outcome {
  const data = dataOf(error, task);
  return (ran) => noted({ ...ran, state: 'FAILURE', error: data }, error);
}

function noted(outcome: Outcome, error: unknown): Outcome {
  thrown.set(outcome, error);
  return outcome;
}

const dataOf = (error: unknown, task: RunnableTask): TaskErrorData => (task.errorNames ?? knownErrors).toData(error);

const isThenable = (value: unknown): boolean =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && typeof (value as { readonly then?: unknown }).then === 'function';
