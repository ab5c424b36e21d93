import type { ChordArrival, ChordClaim, ChordCounter, ChordPart, SaveOptions } from '../backends/backend.ts';
import { unplaced } from '../canvas/place.ts';
import { linkText } from '../canvas/signature-data.ts';
import { unlockCall } from '../canvas/unlock-call.ts';
import { newId } from '../kernel/ids.ts';
import { encodedText } from '../protocol/json-text.ts';
import type { Encoded, Json, Value } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { isFinal, type TaskState } from '../protocol/states.ts';
import { fillHeaders, type Embed, type ReceivedTask } from '../protocol/task-message.ts';
import { countPart } from './chord-counter.ts';
import { dependencyFailed, joinGroup, type Chord, type HeaderEnd } from './chord-join.ts';
import type { ExecutionEnv } from './env.ts';
import { sendErrbacks, signaturesIn } from './errbacks.ts';
import { readableIn, readableParts } from './readable.ts';
import { patiently, savedIfAccepted } from './save.ts';
import { wireMoment } from './moments.ts';
import type { TaskErrorData } from './outcome.ts';
import { chordError, errorResult } from './outcomes.ts';

/** One member of a chord's header that has ended. */
export interface EndedPart extends Chord {
  readonly index: number | null;
  readonly taskId: string;
  readonly status: TaskState;
  readonly result: Encoded;
}

/** Celery's own time for publishing a body: its claim is held that long. */
const CLAIM_MS = 21_000;

/** The part that a received task is of the chord that its body names; undefined where it is in no group. */
export function partOf(received: ReceivedTask, embed: Embed, status: TaskState, result: Encoded): EndedPart | undefined {
  const { group, group_index, id } = received.headers;
  if (group === null) return undefined;
  return {
    groupId: group,
    index: group_index,
    taskId: id,
    status,
    result,
    // Only who ends the chord needs it, and it may be long.
    get body() {
      return embed.chord!;
    },
  };
}

/** Counts a part, and starts the body (or fails it) if it was the last. Resolves when nothing is left to do for this part: only then may its message be acknowledged. */
export async function countChordPart(part: EndedPart, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  const { chords, counter, capabilities } = env.backend;
  const { groupId, index, taskId, status, result } = part;
  if (chords !== undefined) {
    const arrived = await settled(() => chords.arrive(groupId, { index, taskId, status, result }), env);
    if (arrived.kind === 'mine') await complete(part, arrived, because, env);
    return;
  }
  if (capabilities.chords === 'none') return failChord(part, CANNOT_COUNT, because, env);
  await keepResult(part, env);
  // Without a counter there is a celery.chord_unlock somewhere, which looks at the results.
  if (counter !== undefined) await countByCounter(part, counter, because, env);
}

/** What is joined later is read from the results: a part must have one, whatever its task says of results. */
async function keepResult({ taskId, groupId, status, result }: EndedPart, env: ExecutionEnv): Promise<void> {
  const known = await patiently(() => env.backend.load(taskId), `The result of ${taskId}, a part of a chord, could not be read`, env);
  if (known !== undefined && isFinal(known.status)) return;
  const date_done = wireMoment(env.clock.now());
  await savedIfAccepted({ task_id: taskId, status, result, traceback: null, children: [], date_done, group_id: groupId }, env);
}

async function countByCounter(part: EndedPart, counter: ChordCounter, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  const { groupId, body } = part;
  const counted = await countPart(part, counter, env);
  switch (counted.kind) {
    case 'open':
      return;
    case 'gone':
      // Celery deletes the number with the group when a chord has ended: a part that comes again then looks like the first of one that expired.
      if (await hasEnded(body, env)) return;
      return failChord(part, `the group ${groupId} is no longer there: it has expired (resultChordExpires), or was forgotten`, because, env);
    case 'late': {
      // Some were counted twice, or have no result: whoever polls will see, or give up in time.
      const call = unlockCall({ groupId, body, members: counted.members }, { queue: because.deliveryInfo.queue });
      await endWith(part, () => env.start(call, because), because, env);
      break;
    }
    default:
      await endChord(part, counted, because, env);
  }
  await patiently(() => env.backend.forgetGroup(groupId), `The end of chord ${groupId} could not be recorded`, env);
}

/** Whoever waits for the body has an answer. */
async function hasEnded(body: SignatureData, env: ExecutionEnv): Promise<boolean> {
  for (const { options } of targetsOf(readableParts(body, env))) {
    const { task_id: id } = options;
    if (typeof id !== 'string') return false;
    const meta = await patiently(() => env.backend.load(id), `The result of ${id}, the body of a chord, could not be read`, env);
    if (meta === undefined || !isFinal(meta.status)) return false;
  }
  return true;
}

/** Starts the body with the results of the header, or fails it. */
export async function endChord(chord: Chord, header: HeaderEnd, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  if (header.kind === 'failed') return failChord(chord, header.message, because, env);
  await endWith(chord, () => env.start(chord.body, because, header.results), because, env);
}

/** A chord fails where what was to be sent could not be. */
async function endWith(chord: Chord, send: () => Promise<Json>, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  try {
    await send();
  } catch (error) {
    await failChord(chord, callbackError(error), because, env);
  }
}

/** Asks again while another holds the claim: giving up then could leave a chord without its body, should that other have died. */
async function settled(arrive: () => Promise<ChordArrival>, env: ExecutionEnv): Promise<ChordArrival> {
  for (;;) {
    const arrived = await patiently(arrive, 'A part of a chord could not be counted', env);
    if (arrived.kind !== 'busy') return arrived;
    await env.clock.sleep(arrived.retryInMs, env.signal);
  }
}

async function complete(
  part: EndedPart,
  { parts, claim }: { readonly parts: readonly ChordPart[]; readonly claim: ChordClaim },
  because: ReceivedTask,
  env: ExecutionEnv,
): Promise<void> {
  const { groupId } = part;
  const recorded = (end: () => Promise<void>): Promise<void> => patiently(end, `The end of chord ${groupId} could not be recorded`, env);
  const fail = async (message: string): Promise<void> => {
    try {
      await failChord(part, message, because, env);
    } catch (error) {
      if (env.signal?.aborted === true) throw error;
      // All parts have been counted: nobody would come to end it.
      env.log.error(`Not all that follows chord ${groupId} could be told that it failed`, { error });
    }
    await recorded(() => claim.fail());
  };
  const header = await endOf(groupId, parts, env);
  try {
    // Its errbacks are told, or its body is sent, only once: nobody may take it over while a store is waited for.
    if (!(await patiently(() => claim.extend(CLAIM_MS), `The claim on chord ${groupId} could not be kept`, env)))
      return env.log.info(`Chord ${groupId} was taken over by another worker`);
  } catch (error) {
    return fail(failedBy(error, env).message);
  }
  if (header.kind === 'failed') return fail(header.message);
  try {
    await env.start(part.body, because, header.results);
  } catch (error) {
    return fail(callbackError(error));
  }
  await recorded(() => claim.close());
}

/** What a chord whose parts have all come ends in. */
async function endOf(groupId: string, parts: readonly ChordPart[], env: ExecutionEnv): Promise<HeaderEnd> {
  const failed = parts.find((one) => one.status !== 'SUCCESS');
  if (failed !== undefined) return { kind: 'failed', message: dependencyFailed(failed.taskId, failed.result) };
  try {
    return { kind: 'succeeded', results: await patiently(() => joinGroup(groupId, parts, env), `The results of chord ${groupId} could not be read`, env) };
  } catch (error) {
    return failedBy(error, env);
  }
}

/** A chord fails by what its store refuses. Throws where the worker stops, and the store is away still: it waits for whoever takes the claim next. */
function failedBy(error: unknown, env: ExecutionEnv): Extract<HeaderEnd, { kind: 'failed' }> {
  if (env.signal?.aborted === true) throw error;
  return { kind: 'failed', message: messageOf(error) };
}

/** Errbacks of the body first, then its FAILURE, as Celery has it; every member where the body is a group. */
export async function failChord({ groupId, body }: Chord, message: string, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  env.log.error(`Chord ${groupId} failed: ${message}`);
  await failChordBody(body, chordError(message), because, env);
}

/** Errbacks and FAILURE of what a chord's body stands for, every member where that is a group, and of all that was to follow it. */
export async function failChordBody(whole: SignatureData, error: TaskErrorData, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  const body = readableParts(whole, env);
  for (const target of targetsOf(body)) {
    const id = typeof target.options['task_id'] === 'string' ? target.options['task_id'] : newId();
    const errbacks = onceEach(signaturesIn(target.options['link_error']));
    const children = await sendErrbacks(errbacks, { id, rootId: id }, because, env);
    const pending = { ...target, options: { ...target.options, task_id: id } };
    await failCall(pending, error, because, env, { children });
    for (const errback of errbacks) if (env.isErrback?.(errback.task) === true) await env.callErrback?.(errback, neverSent(pending), error);
  }
  await failSteps(besides(body), error, because, env);
  if (body.subtask_type !== null) await failSteps(signaturesIn(body.options['chain']), error, because, env);
}

/**
 * Steps that will never run get the same FAILURE, so that whoever waits for one of them hears of it: the members of a group, the body of a chord,
 * and what was to follow those. `stores`: false where the failed task's results are ignored; chords hear of it all the same.
 */
export function failChain(chain: Value, error: TaskErrorData, because: ReceivedTask, env: ExecutionEnv, stores = true): Promise<void> {
  return failSteps(readableIn(chain, env), error, because, env, stores);
}

async function failSteps(steps: readonly SignatureData[], error: TaskErrorData, because: ReceivedTask, env: ExecutionEnv, stores = true): Promise<void> {
  for (const step of steps) {
    if (step.subtask_type === null) await failCall(step, error, because, env, { stores });
    else if (stores && typeof step.options['task_id'] === 'string') await savedIfAccepted(failureOf(step, error, env), env);
    const within = step.subtask_type === 'chord' ? step.kwargs['body'] : step.kwargs['tasks'];
    if (step.subtask_type !== null) await failSteps([...signaturesIn(within), ...signaturesIn(step.options['chain'])], error, because, env, stores);
  }
}

/** One call that will never run: its result, the chord that it is a part of, and what was to follow it. */
async function failCall(
  call: SignatureData,
  error: TaskErrorData,
  because: ReceivedTask,
  env: ExecutionEnv,
  { children = [], stores = true }: { readonly children?: readonly Json[]; readonly stores?: boolean },
): Promise<void> {
  const taskId = call.options['task_id'];
  if (typeof taskId === 'string') {
    const part = optionsPart(call, { taskId, status: 'FAILURE', result: errorJson(error) });
    if (stores) await savedIfAccepted({ ...failureOf(call, error, env), children }, env, answerTo(call));
    if (part !== undefined) await countChordPart(part, because, env);
  }
  await failSteps(signaturesIn(call.options['chain']), error, because, env, stores);
}

/** Whoever waits for it, where results are sent instead of stored. */
const answerTo = ({ options: { reply_to: replyTo } }: SignatureData): SaveOptions => (typeof replyTo === 'string' ? { replyTo } : {});

/** A signature that was never sent, as a part of the chord its options name. */
export function optionsPart(
  signature: SignatureData,
  ended: { readonly taskId: string; readonly status: TaskState; readonly result: Encoded },
): EndedPart | undefined {
  const { chord, group_id: groupId, group_index: index } = signature.options;
  const [body] = signaturesIn(chord);
  if (body === undefined || typeof groupId !== 'string') return undefined;
  return { ...ended, groupId, index: typeof index === 'number' ? index : null, body };
}

/** An errback of a whole chain stands at the chain and at its last step too: it is told once. */
const onceEach = (errbacks: readonly SignatureData[]): readonly SignatureData[] => [
  ...new Map(errbacks.map((errback) => [linkText(errback), errback])).values(),
];

/** The tasks whose results a chord's body stands for, each with the errbacks that it is to tell. */
function targetsOf(body: SignatureData): readonly SignatureData[] {
  const { link_error = null } = body.options;
  const telling = (target: SignatureData, errbacks: Value): SignatureData => ({ ...target, options: { ...target.options, link_error: errbacks } });
  const alsoTelling = (target: SignatureData): SignatureData => telling(target, [...signaturesIn(target.options['link_error']), ...signaturesIn(link_error)]);
  if (body.subtask_type === 'group') return signaturesIn(body.kwargs['tasks']).flatMap(targetsOf).map(alsoTelling);
  // Its body first: what stands for it all tells its errbacks.
  if (body.subtask_type === 'chord') return [...signaturesIn(body.kwargs['body']).flatMap(targetsOf).map(alsoTelling), ...headerOf(body).flatMap(targetsOf)];
  if (body.subtask_type !== 'chain') return [body];
  // A caller waits for the last step, under the id that the chain or the step itself was given. Only the chain's errbacks are told, once: no step has failed.
  const last = signaturesIn(body.kwargs['tasks']).at(-1);
  if (last === undefined) return [body];
  const targets = last.subtask_type === null ? [{ ...last, options: { ...body.options, ...last.options } }] : targetsOf(last);
  return targets.map((target, index) => telling(target, index === 0 ? link_error : null));
}

/** What fails with those: steps before them, and the id of a group, for which one may wait too. */
function besides(body: SignatureData): readonly SignatureData[] {
  const { task_id = null } = body.options;
  switch (body.subtask_type) {
    case 'group':
      return [{ ...body, kwargs: {}, options: { task_id } }, ...signaturesIn(body.kwargs['tasks']).flatMap(besides)];
    case 'chord':
      return [...headerOf(body), ...signaturesIn(body.kwargs['body'])].flatMap(besides);
    case 'chain': {
      const steps = signaturesIn(body.kwargs['tasks']);
      return [...steps.slice(0, -1), ...steps.slice(-1).flatMap(besides)];
    }
    default:
      return [];
  }
}

/** The parts that a chord begins with. They never ran, so nobody counts them. */
function headerOf(chord: SignatureData): readonly SignatureData[] {
  return signaturesIn(chord.kwargs['header'])
    .flatMap((part) => (part.subtask_type === 'group' ? signaturesIn(part.kwargs['tasks']) : [part]))
    .map(unplaced);
}

const CANNOT_COUNT = 'this result backend cannot count the parts of a chord; configure Redis, SQLite or memory as resultBackend';

const callbackError = (error: unknown): string => `Callback error: ${messageOf(error)}`;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const errorJson = (error: TaskErrorData): Encoded => encodedText(JSON.stringify(errorResult(error)));

/** A call that was never sent, as the task that it would have been. */
export function neverSent({ task, args, kwargs, options }: SignatureData): ReceivedTask {
  const id = typeof options['task_id'] === 'string' ? options['task_id'] : newId();
  const headers = fillHeaders({ task, id, root_id: id });
  return {
    headers,
    wire: { body: { text: '' }, contentType: 'application/json', contentEncoding: 'utf-8', headers, properties: {} },
    deliveryInfo: { exchange: '', routingKey: '', queue: '', priority: null, redelivered: false },
    body: () => ({ args, kwargs, embed: { callbacks: null, errbacks: signaturesIn(options['link_error']), chain: null, chord: null } }),
  };
}

/** The FAILURE of a signature that was never sent. */
function failureOf({ task, args, kwargs, options }: SignatureData, error: TaskErrorData, env: ExecutionEnv): ResultMeta {
  const { task_id, group_id, parent_id, retries } = options;
  return {
    task_id: task_id as string,
    status: 'FAILURE',
    result: errorJson(error),
    traceback: error.traceback ?? `${error.exc_module}.${error.repr}`,
    children: [],
    date_done: wireMoment(env.clock.now()),
    ...(typeof group_id === 'string' ? { group_id } : null),
    ...(typeof parent_id === 'string' ? { parent_id } : null),
    ...(env.resultExtended ? { extended: { name: task, args, kwargs, worker: null, retries: retries ?? 0, queue: null } } : null),
  };
}
