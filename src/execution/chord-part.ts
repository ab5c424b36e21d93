import type { ChordArrival, ChordClaim, ChordPart } from '../backends/backend.ts';
import { newId } from '../kernel/ids.ts';
import { pythonRepr } from '../kernel/repr.ts';
import { encodedText } from '../protocol/json-text.ts';
import type { Encoded, Json } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import { readSignature, type SignatureData } from '../protocol/signature.ts';
import type { TaskState } from '../protocol/states.ts';
import { fillHeaders, type ReceivedTask } from '../protocol/task-message.ts';
import { joinGroup } from './chord-join.ts';
import type { ExecutionEnv } from './env.ts';
import { sendErrbacks, signaturesIn } from './errbacks.ts';
import { patiently, savedIfAccepted } from './save.ts';
import { wireMoment } from './moments.ts';
import type { TaskErrorData } from './outcome.ts';
import { chordError, errorResult } from './outcomes.ts';

/** One member of a chord's header that has ended. */
export interface EndedPart {
  readonly groupId: string;
  readonly index: number | null;
  readonly taskId: string;
  readonly status: TaskState;
  readonly result: Encoded;
  readonly body: SignatureData;
}

/** Celery's own time for publishing a body: its claim is held that long. */
const CLAIM_MS = 21_000;

/** The part that a received task is of the chord it belongs to; undefined where it belongs to none. */
export function partOf(received: ReceivedTask, chord: SignatureData | null, status: TaskState, result: Encoded): EndedPart | undefined {
  const { group, group_index, id } = received.headers;
  if (chord === null || group === null) return undefined;
  return { groupId: group, index: group_index, taskId: id, status, result, body: chord };
}

/** Counts a part, and starts the body (or fails it) if it was the last. Resolves when nothing is left to do for this part: only then may its message be acknowledged. */
export async function countChordPart(part: EndedPart, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  const { chords } = env.backend;
  if (chords === undefined) return refuse(part, because, env);
  const { groupId, index, taskId, status, result } = part;
  const arrived = await settled(() => chords.arrive(groupId, { index, taskId, status, result }), env);
  if (arrived.kind === 'mine') await complete(part, arrived, because, env);
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
  const failed = parts.find((one) => one.status !== 'SUCCESS');
  if (failed !== undefined) return fail(part, claim, dependencyFailed(failed.taskId, failed.result), because, env);
  let results: Encoded;
  try {
    results = await patiently(() => joinGroup(part.groupId, parts, env), `The results of chord ${part.groupId} could not be read`, env);
    if (!(await patiently(() => claim.extend(CLAIM_MS), `The claim on chord ${part.groupId} could not be kept`, env)))
      return env.log.info(`Chord ${part.groupId} was taken over by another worker`);
  } catch (error) {
    // The worker stops, and the store is away still: the chord waits for whoever takes the claim next.
    if (env.signal?.aborted === true) throw error;
    return fail(part, claim, messageOf(error), because, env);
  }
  try {
    await env.start(part.body, because, results);
  } catch (error) {
    return fail(part, claim, `Callback error: ${messageOf(error)}`, because, env);
  }
  await patiently(() => claim.close(), `The end of chord ${part.groupId} could not be recorded`, env);
}

/** Errbacks of the body first, then its FAILURE, as Celery has it; every member where the body is a group. */
async function fail(part: EndedPart, claim: Pick<ChordClaim, 'fail'> | undefined, message: string, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  env.log.error(`Chord ${part.groupId} failed: ${message}`);
  await failChordBody(part.body, chordError(message), because, env);
  if (claim !== undefined) await patiently(() => claim.fail(), `The end of chord ${part.groupId} could not be recorded`, env);
}

/** Errbacks and FAILURE of what a chord's body stands for, every member where that is a group, and of all that was to follow it. */
export async function failChordBody(body: SignatureData, error: TaskErrorData, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  for (const target of targetsOf(body)) {
    const id = typeof target.options['task_id'] === 'string' ? target.options['task_id'] : newId();
    const errbacks = onceEach([...signaturesIn(target.options['link_error']), ...(target === body ? [] : signaturesIn(body.options['link_error']))]);
    const children = await sendErrbacks(errbacks, { id, rootId: id }, because, env);
    const pending = { ...target, options: { ...target.options, task_id: id } };
    await failCall(pending, error, because, env, { children });
    for (const errback of errbacks) if (env.isErrback?.(errback.task) === true) await env.callErrback?.(errback, neverSent(pending), error);
  }
  if (body.subtask_type === 'chain') await failChain(signaturesIn(body.kwargs['tasks']).slice(0, -1), error, because, env);
  if (body.subtask_type === 'group' && typeof body.options['task_id'] === 'string') await savedIfAccepted(failureOf(body, error, env), env);
  if (targetsOf(body)[0] !== body) await failChain(signaturesIn(body.options['chain']), error, because, env);
}

/**
 * Steps that will never run get the same FAILURE, so that whoever waits for one of them hears of it: the members of a group, the body of a chord,
 * and what was to follow those. `stores`: false where the failed task's results are ignored; chords hear of it all the same.
 */
export async function failChain(chain: readonly SignatureData[], error: TaskErrorData, because: ReceivedTask, env: ExecutionEnv, stores = true): Promise<void> {
  for (const step of chain) {
    if (step.subtask_type === null) await failCall(step, error, because, env, { stores });
    else if (stores && typeof step.options['task_id'] === 'string') await savedIfAccepted(failureOf(step, error, env), env);
    const within = step.subtask_type === 'chord' ? step.kwargs['body'] : step.kwargs['tasks'];
    if (step.subtask_type !== null) await failChain([...signaturesIn(within), ...signaturesIn(step.options['chain'])], error, because, env, stores);
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
    if (stores) await savedIfAccepted({ ...failureOf(call, error, env), children }, env);
    if (part !== undefined) await countChordPart(part, because, env);
  }
  await failChain(signaturesIn(call.options['chain']), error, because, env, stores);
}

/** A signature that was never sent, as a part of the chord its options name. */
export function optionsPart(
  signature: SignatureData,
  ended: { readonly taskId: string; readonly status: TaskState; readonly result: Encoded },
): EndedPart | undefined {
  const { chord, group_id: groupId, group_index: index } = signature.options;
  if ((chord ?? null) === null || typeof groupId !== 'string') return undefined;
  return { ...ended, groupId, index: typeof index === 'number' ? index : null, body: readSignature(chord) };
}

/** An errback of a whole chain stands at the chain and at its last step too: it is told once. */
const onceEach = (errbacks: readonly SignatureData[]): readonly SignatureData[] => [
  ...new Map(errbacks.map((errback) => [JSON.stringify(errback), errback])).values(),
];

/** The tasks whose results a chord's body stands for. */
function targetsOf(body: SignatureData): readonly SignatureData[] {
  if (body.subtask_type === 'group') return signaturesIn(body.kwargs['tasks']);
  if (body.subtask_type === 'chord' && (body.kwargs['body'] ?? null) !== null) return targetsOf(readSignature(body.kwargs['body']));
  if (body.subtask_type === 'chain') {
    // A caller waits for the last step, under the id that the chain or the step itself was given. Its own errbacks are not told: no step before it was.
    const last = signaturesIn(body.kwargs['tasks']).at(-1);
    const { link_error = null } = body.options;
    return last === undefined ? [body] : [{ ...last, options: { ...body.options, ...last.options, link_error } }];
  }
  return [body];
}

function dependencyFailed(id: string, result: Encoded): string {
  const error = result.value() as { readonly exc_type?: string; readonly exc_message?: Json } | null;
  const args = Array.isArray(error?.exc_message) ? (error.exc_message as readonly Json[]) : [error?.exc_message ?? ''];
  return `Dependency ${id} raised ${error?.exc_type ?? 'Exception'}(${args.map(shown).join(', ')})`;
}

/** Text that quotes something stands between the other quotes, as Python writes it: these messages are within one another. */
const shown = (arg: Json): string => (typeof arg === 'string' && arg.includes("'") && !arg.includes('"') ? `"${arg}"` : pythonRepr(arg));

async function refuse(part: EndedPart, because: ReceivedTask, env: ExecutionEnv): Promise<void> {
  const { chords } = env.backend.capabilities;
  const message =
    chords === 'none'
      ? 'this result backend cannot count the parts of a chord; configure Redis, SQLite or memory as resultBackend'
      : `chords that are counted by ${chords === 'counter' ? 'a counter' : 'celery.chord_unlock'} are not built yet; configure Redis, SQLite or memory as resultBackend`;
  await fail(part, undefined, message, because, env);
}

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
