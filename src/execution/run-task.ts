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
import { reasonBehind } from './reason-behind.ts';
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
 * A promise only where there is something to wait for: each is dear while contexts are tracked (performance.md 11).
 */
export function runTask(
  received: ReceivedTask,
  task: RunnableTask,
  host: TaskHost,
  clock: Clock,
  run: TaskRun = new TaskRun(received, host),
): Outcome | Promise<Outcome> {
  const attempt: Attempt = { run, task, clock, startedAt: clock.monotonic(), body: undefined };
  try {
    const body = received.body();
    const returned = body instanceof Promise ? body.then((read) => called(read, attempt)) : called(body, attempt);
    if (!isThenable(returned)) return succeeded(returned, attempt);
    return Promise.resolve(returned).then(
      (value) => succeeded(value, attempt),
      (error: unknown) => concluded(ended(error, attempt), attempt),
    );
  } catch (error) {
    return concluded(ended(error, attempt), attempt);
  }
}

interface Attempt {
  readonly run: TaskRun;
  readonly task: RunnableTask;
  readonly clock: Clock;
  readonly startedAt: number;
  /** Undefined until it could be read. */
  body: TaskBody | undefined;
}

type Ending = (ran: Ran) => Outcome;

function called(body: TaskBody, attempt: Attempt): unknown {
  const { run, task } = attempt;
  attempt.body = body;
  return withRun(run, () => task.run(run, body));
}

/** Encoded here: what cannot travel fails the task, and nobody else. */
function succeeded(value: unknown, attempt: Attempt): Outcome | Promise<Outcome> {
  let valueJson: string;
  let repr: string;
  try {
    valueJson = encodeJson(value as Value);
    repr = pythonRepr(value ?? null, { maxLength: attempt.task.policy.resultReprMaxsize });
  } catch (error) {
    return concluded(ended(error, attempt), attempt);
  }
  return concluded(({ runtimeMs, children, endsHere }) => ({ runtimeMs, children, endsHere, state: 'SUCCESS', valueJson, repr }), attempt);
}

function concluded(ending: Ending, attempt: Attempt): Outcome | Promise<Outcome> {
  const calls = attempt.run.idle();
  return calls === undefined ? ending(ran(attempt)) : calls.then(() => ending(ran(attempt)));
}

function ran({ body, clock, run, startedAt }: Attempt): Ran {
  return { runtimeMs: clock.monotonic() - startedAt, children: run.children, endsHere: body === undefined || endsHere(body.embed) };
}

function ended(error: unknown, attempt: Attempt): Ending {
  try {
    return interpreted(reasonBehind(error, attempt.run), attempt);
  } catch (second) {
    return failure(second, attempt);
  }
}

function interpreted(error: unknown, attempt: Attempt): Ending {
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

function retried(retry: Retry, attempt: Attempt & { readonly body: TaskBody }): Ending {
  const { run, task, body, clock } = attempt;
  const what = { received: run.received, body, task, now: clock.now() };
  const instead = exhausted(what, retry.options);
  if (instead !== undefined) return failure(reasonBehind(instead, run), attempt);
  const signatureJson = encodeJson(nextAttempt(what, retry.options));
  const cause = reasonBehind(retry.options.exc ?? retry, run);
  const data = dataOf(cause, task);
  const last = retryText(retry, waitMs(what, retry.options), data.repr);
  const error = { ...data, traceback: `${data.traceback ?? ''}\ncelery.exceptions.Retry: ${last}\n`.trimStart() };
  return (ran) => noted({ ...ran, state: 'RETRY', error, signatureJson }, cause);
}

function failure(error: unknown, { task }: Attempt): Ending {
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
