import { definedAs } from '../app/task-handle.ts';
import type { TaskRequest } from '../app/task-context.ts';
import type { Task } from '../app/task-types.ts';
import type { List, Received } from '../canvas/sendable.ts';
import { eagerMessage } from '../execution/eager.ts';
import { runAfter } from '../execution/hooks.ts';
import type { TaskHost } from '../execution/host.ts';
import type { Outcome } from '../execution/outcome.ts';
import { runTask as run, thrownBy } from '../execution/run-task.ts';
import { TaskRun } from '../execution/run.ts';
import { newId } from '../kernel/ids.ts';
import { decodeJson } from '../protocol/json-text.ts';
import type { Json, Value, ValueMap } from '../protocol/json.ts';
import type { TaskState } from '../protocol/states.ts';
import { encodeTaskBody, fillHeaders, readTaskBody, type ReceivedTask } from '../protocol/task-message.ts';

/** How a task ended that was run by itself. */
export interface RunOutcome<R> {
  /** SUCCESS, FAILURE, RETRY, REJECTED or IGNORED; REPLACED where it asked to be. */
  readonly state: TaskState;
  readonly value?: Received<R>;
  /** What it threw; for RETRY the reason, or the `Retry` itself. */
  readonly error?: Error;
  /** What it said of itself meanwhile, by `updateState` and `progress`. */
  readonly states: readonly { readonly state: TaskState; readonly meta: unknown }[];
}

export interface MadeUpContext {
  /** Fields of `self.request`, such as `{ retries: 2 }`. */
  readonly request?: Partial<TaskRequest>;
  /** Aborts `self.signal`, as a soft time limit or a revoke would. */
  readonly signal?: AbortSignal;
}

/**
 * Runs one task here and now with a made-up context, by the path on which a worker runs it: arguments travel as JSON, hooks and middleware run.
 * Nothing is stored, and a retry is told, not made. What the task calls leaves through its app: let a test app borrow that (`createTestApp({ from: app })`).
 */
export async function runTask<A extends List, R>(task: Task<A, R>, args: NoInfer<A>, context: MadeUpContext = {}): Promise<RunOutcome<R>> {
  const defined = definedAs(task);
  if (defined === undefined) throw new TypeError('a task was expected, as app.task() gives it');
  const { entry, core } = defined;
  await core.ready();
  const states: { readonly state: TaskState; readonly meta: unknown }[] = [];
  const host: TaskHost = {
    dispatch: (dispatch) => core.host.dispatch(dispatch),
    saveState: (meta) => {
      states.push({ state: meta.status, meta: meta.result.value() });
      return Promise.resolve();
    },
    growChord: (groupId, by) => core.host.growChord(groupId, by),
    emit: (type, fields) => core.host.emit(type, fields),
    idle: () => core.host.idle(),
  };
  const received = madeUp(entry.name, args as unknown as readonly Value[], context.request ?? {});
  const one = new TaskRun(received, host);
  const abort = (): void => one.abort(context.signal?.reason as Error);
  if (context.signal?.aborted === true) abort();
  context.signal?.addEventListener('abort', abort, { once: true });
  const outcome = await run(received, entry, host, core.clock, one);
  context.signal?.removeEventListener('abort', abort);
  if (entry.listensAfter) await runAfter(entry, one, outcome, core.log);
  return { state: outcome.state as TaskState, ...ending<R>(outcome, (error) => core.errorNames.fromData(error, error.traceback)), states };
}

type FromData = (error: Extract<Outcome, { readonly state: 'FAILURE' }>['error']) => Error;

function ending<R>(outcome: Outcome, fromData: FromData): Pick<RunOutcome<R>, 'value' | 'error'> {
  if (outcome.state === 'SUCCESS') return { value: decodeJson(outcome.valueJson) as Received<R> };
  if (!('error' in outcome)) return {};
  const thrown = thrownBy(outcome);
  return { error: thrown instanceof Error ? thrown : fromData(outcome.error) };
}

/** A message that says what the request should say. */
function madeUp(task: string, args: readonly Value[], request: Partial<TaskRequest>): ReceivedTask {
  const { id = newId(), retries = 0, rootId, parentId = null, group = null, groupIndex = null, eta, expires, origin = null, shadow = null } = request;
  const { correlationId, replyTo, kwargs = {}, headers: custom = {}, deliveryInfo, timeLimit = null, softTimeLimit = null } = request;
  const headers = fillHeaders({
    ...(custom as Readonly<Record<string, Json>>),
    task,
    id,
    retries,
    root_id: rootId ?? id,
    parent_id: parentId,
    group,
    group_index: groupIndex,
    eta: eta?.toISOString() ?? null,
    expires: expires?.toISOString() ?? null,
    timelimit: [timeLimit, softTimeLimit],
    origin,
    shadow,
  });
  const embed = { callbacks: null, errbacks: null, chain: null, chord: null };
  // As if it had travelled, so that what cannot travel fails here too.
  const body = readTaskBody(decodeJson(encodeTaskBody({ args, kwargs: kwargs as ValueMap, embed })));
  const message = eagerMessage(headers, body);
  const properties = { correlationId: correlationId ?? id, ...(replyTo === undefined || replyTo === null ? {} : { replyTo }) };
  return { ...message, wire: { ...message.wire, properties }, deliveryInfo: { ...message.deliveryInfo, ...deliveryInfo } };
}
