import type { SaveOptions } from '../backends/backend.ts';
import { BackendStoreError, EncodeError } from '../errors.ts';
import { decodeForeign, encodedText } from '../protocol/json-text.ts';
import type { Encoded, Json } from '../protocol/json.ts';
import { readSignature, type SignatureData } from '../protocol/signature.ts';
import type { TaskState } from '../protocol/states.ts';
import { hasChord, nextStep, type Embed, type ReceivedTask } from '../protocol/task-message.ts';
import { countChordPart, failChain, partOf } from './chord-part.ts';
import type { ExecutionEnv, RunnableTask } from './env.ts';
import { groupOf, localErrbacks, sendErrbacks } from './errbacks.ts';
import { metaOf } from './metas.ts';
import type { Outcome, TaskErrorData } from './outcome.ts';
import { chordError, errorResult, knownErrors, revokedError } from './outcomes.ts';
import { withOwnText } from './own-text.ts';
import { saved, savedAfter, savedIfAccepted } from './save.ts';

/** What became of it: settling, events and counters go by this outcome, not by the one that was reported. */
export interface Finished {
  /** Another than the reported one where a follow-up could not be published: then it is a FAILURE. */
  readonly outcome: Outcome;
  /** Somebody wants to hear of it now that the result is stored: `Pool.after` is due. */
  readonly listensAfter: boolean;
}

type Success = Extract<Outcome, { state: 'SUCCESS' }>;
type Retrying = Extract<Outcome, { state: 'RETRY' }>;
type Replaced = Extract<Outcome, { state: 'REPLACED' }>;
type WithError = Extract<Outcome, { error: TaskErrorData }>;

/**
 * Finishes a task in the worker, in Celery's order. Success: callbacks, the next link, the result, the chord. Failure: the result, the chord,
 * the links that will not run, errbacks. A retry is published while RETRY is stored. Resolves when all of it has happened; rejects only when
 * the store refuses for good, or the worker stops before it answers: then a late one may not be acknowledged.
 */
export function finishTask(received: ReceivedTask, outcome: Outcome, env: ExecutionEnv): Finished | Promise<Finished> {
  const one: Finishing = { received, task: env.findTask(received.headers.task), env };
  if (outcome.state === 'SUCCESS' && outcome.endsHere) return finishLast(one, outcome);
  return finish(one, outcome).then((ended) => heard(one, ended));
}

/** For a task that has succeeded and is here again: its worker may have ended before it was counted for its chord. Counting twice does no harm. */
export function finishAgain(received: ReceivedTask, result: Encoded, env: ExecutionEnv): Promise<void> {
  return countAs({ received, task: env.findTask(received.headers.task), env }, { endsHere: false }, 'SUCCESS', result);
}

interface Finishing {
  readonly received: ReceivedTask;
  /** Undefined where no such task is registered: the defaults hold then. */
  readonly task: RunnableTask | undefined;
  readonly env: ExecutionEnv;
}

/** A success that nothing follows, as nearly all are: a promise only where the store gives one, since each is dear while contexts are tracked (performance.md 11). */
function finishLast(one: Finishing, outcome: Success): Finished | Promise<Finished> {
  const finished: Finished = { outcome, listensAfter: one.task?.listensAfter === true };
  if (ignoresResult(one)) return finished;
  const { env, received } = one;
  const made = metaOf(received, { status: 'SUCCESS', result: encodedText(outcome.valueJson), children: outcome.children }, env);
  if (made instanceof Promise) return finish(one, outcome).then((ended) => heard(one, ended));
  const options = saveOptions(received);
  const refused = (error: unknown): Promise<Finished> => unsaved(one, outcome, error).then((ended) => heard(one, ended));
  try {
    return env.backend.save(made, options).then(
      () => finished,
      (error: unknown) => savedAfter(error, made, env, options).then(() => finished, refused),
    );
  } catch (error) {
    return refused(error);
  }
}

async function heard(one: Finishing, outcome: Outcome): Promise<Finished> {
  return { outcome, listensAfter: await listensAfter(one, outcome) };
}

function finish(one: Finishing, outcome: Outcome): Promise<Outcome> {
  switch (outcome.state) {
    case 'SUCCESS':
      return succeed(one, outcome);
    case 'FAILURE':
      return fail(one, outcome);
    case 'RETRY':
      return again(one, outcome);
    case 'REPLACED':
      return replaced(one, outcome);
    case 'REVOKED':
      return revoke(one, outcome);
    case 'REJECTED':
      return outcome.requeue ? Promise.resolve(outcome) : fail(one, outcome);
    case 'IGNORED':
      return countAs(one, outcome, 'FAILURE', errorText(chordError('the task was ignored'))).then(() => outcome);
  }
}

async function succeed(one: Finishing, outcome: Success): Promise<Outcome> {
  const { received, env } = one;
  const result = encodedText(outcome.valueJson);
  let children = outcome.children;
  let embed: Embed | undefined;
  if (!outcome.endsHere) {
    try {
      ({ embed } = await received.body());
      children = [...children, ...(await startFollowUps(embed, received, result, env))];
    } catch (error) {
      return fail(one, failed(one, outcome, error));
    }
  }
  if (!ignoresResult(one)) {
    try {
      await save(one, 'SUCCESS', { result, children });
    } catch (error) {
      return unsaved(one, outcome, error);
    }
  }
  if (embed !== undefined) await countPart(one, embed, 'SUCCESS', result);
  return children === outcome.children ? outcome : { ...outcome, children };
}

/** A store with another serializer may refuse a value that JSON could carry; or it refuses this task's key, or so long a value. */
async function unsaved(one: Finishing, outcome: Success, error: unknown): Promise<Outcome> {
  if (!(error instanceof EncodeError || error instanceof BackendStoreError)) throw error;
  return fail(one, failed(one, outcome, error));
}

/** Callbacks and the next link of the chain, with the value in front. Gives their result tuples in order. */
async function startFollowUps(embed: Embed, received: ReceivedTask, result: Encoded, env: ExecutionEnv): Promise<Json[]> {
  const children: Json[] = [];
  for (const signature of callbacksToStart(embed.callbacks ?? [])) children.push(await env.start(signature, received, result));
  const next = nextStep(embed);
  if (next !== undefined) {
    const { step, rest } = next;
    const options = rest === null ? step.options : { ...step.options, chain: rest };
    children.push(await env.start({ ...step, options }, received, result));
  }
  return children;
}

/** One is sent as it is; of several, groups go each by itself and the others as one new group. */
function callbacksToStart(callbacks: readonly SignatureData[]): readonly SignatureData[] {
  if (callbacks.length < 2) return callbacks;
  const groups = callbacks.filter((callback) => callback.subtask_type === 'group');
  const others = callbacks.filter((callback) => callback.subtask_type !== 'group');
  return others.length === 0 ? groups : [...groups, groupOf(others)];
}

async function fail(one: Finishing, outcome: WithError): Promise<Outcome> {
  const { received, env, task } = one;
  const { error } = outcome;
  const result = errorText(error);
  const stores = !ignoresResult(one) || task?.policy.storeErrorsEvenIfIgnored === true;
  if (stores) await save(one, 'FAILURE', { result, traceback: error.traceback, children: outcome.children });
  if (outcome.endsHere) return outcome;
  const embed = await embedOf(one);
  if (embed === undefined) return outcome;
  await countPart(one, embed, 'FAILURE', result);
  await failChain(embed.kept?.value ?? embed.chain, error, received, env, stores);
  const { id, root_id } = received.headers;
  await sendErrbacks(embed.errbacks, { id, rootId: root_id ?? id }, received, env);
  return outcome;
}

async function again(one: Finishing, outcome: Retrying): Promise<Outcome> {
  const { received, env } = one;
  const children: Json[] = [...outcome.children, [[received.headers.id, null], null]];
  // Told at the same time as the retry is sent, and not after it: that may run and end before the broker has told us that it has it, and RETRY would come over its end.
  const storing = storeRetry(one, outcome, children);
  const [started, stored] = await Promise.allSettled([startRetry(outcome, received, env), storing]);
  if (started.status === 'rejected') return fail(one, failed(one, outcome, started.reason));
  if (stored.status === 'rejected') throw stored.reason;
  return { ...outcome, children };
}

async function startRetry(outcome: Retrying, received: ReceivedTask, env: ExecutionEnv): Promise<void> {
  await env.start(withOwnText(signatureOf(outcome), received), received);
}

/** With all that is to follow it, which may hold what only others can read. */
const signatureOf = ({ signatureJson }: Retrying | Replaced): SignatureData => readSignature(decodeForeign(signatureJson));

async function storeRetry(one: Finishing, { error }: Retrying, children: readonly Json[]): Promise<void> {
  if (ignoresResult(one) && one.task?.policy.storeErrorsEvenIfIgnored !== true) return;
  // A retry without an error of its own stores none, as in Celery.
  const hasError = error.exc_type !== 'Retry' || error.exc_module !== 'celery.exceptions';
  await save(one, 'RETRY', { result: hasError ? errorText(error) : encodedText('null'), traceback: error.traceback, children });
}

/** Nothing is stored: the replacement has the same id, and its result will be this task's. */
async function replaced(one: Finishing, outcome: Replaced): Promise<Outcome> {
  try {
    await one.env.start(signatureOf(outcome), one.received);
    return outcome;
  } catch (error) {
    return fail(one, failed(one, outcome, error));
  }
}

async function revoke(one: Finishing, outcome: Extract<Outcome, { state: 'REVOKED' }>): Promise<Outcome> {
  const result = errorText(revokedError(outcome.reason));
  if (!ignoresResult(one)) await save(one, 'REVOKED', { result, children: outcome.children });
  await countAs(one, outcome, 'REVOKED', result);
  return outcome;
}

async function countAs(one: Finishing, outcome: Pick<Outcome, 'endsHere'>, status: TaskState, result: Encoded): Promise<void> {
  if (outcome.endsHere) return;
  const embed = await embedOf(one);
  if (embed !== undefined) await countPart(one, embed, status, result);
}

async function countPart({ received, env }: Finishing, embed: Embed, status: TaskState, result: Encoded): Promise<void> {
  const part = hasChord(embed) ? partOf(received, embed, status, result) : undefined;
  if (part !== undefined) await countChordPart(part, received, env);
}

function save(
  { received, env }: Finishing,
  status: TaskState,
  recorded: { readonly result: Encoded; readonly traceback?: string | null; readonly children: readonly Json[] },
): Promise<void> {
  const made = metaOf(received, { status, ...recorded }, env);
  const options = saveOptions(received);
  const store = status === 'SUCCESS' ? saved : savedIfAccepted;
  return made instanceof Promise ? made.then((meta) => store(meta, env, options)) : store(made, env, options);
}

const saveOptions = ({ wire }: ReceivedTask): SaveOptions | undefined =>
  wire.properties.replyTo === undefined ? undefined : { replyTo: wire.properties.replyTo };

/** What the caller said; where it said nothing, what the task says. */
function ignoresResult({ received, task }: Finishing): boolean {
  return received.headers.ignore_result ?? task?.policy.ignoreResult ?? false;
}

function failed({ env, task }: Finishing, { runtimeMs, children }: Outcome, error: unknown): Extract<Outcome, { state: 'FAILURE' }> {
  const names = env.errorNames ?? task?.errorNames ?? knownErrors;
  return { runtimeMs, children, endsHere: false, state: 'FAILURE', error: names.toData(error) };
}

const errorText = (error: TaskErrorData): Encoded => encodedText(JSON.stringify(errorResult(error)));

/** Undefined where the body cannot be read: then nothing that follows is known either. */
async function embedOf({ received, env }: Finishing): Promise<Embed | undefined> {
  try {
    return (await received.body()).embed;
  } catch (error) {
    env.log.error(`What follows task ${received.headers.task}[${received.headers.id}] cannot be read`, { error });
    return undefined;
  }
}

function listensAfter({ received, task, env }: Finishing, outcome: Outcome): boolean | Promise<boolean> {
  if (task === undefined) return false;
  if (task.listensAfter) return true;
  if (outcome.state !== 'FAILURE' || outcome.endsHere || env.isErrback === undefined) return false;
  return hasLocalErrbacks(received, env.isErrback.bind(env));
}

async function hasLocalErrbacks(received: ReceivedTask, isErrback: (name: string) => boolean): Promise<boolean> {
  try {
    return localErrbacks(await received.body(), isErrback).length > 0;
  } catch {
    return false;
  }
}
