import { encoded } from '../protocol/json-text.ts';
import type { Encoded, Json, Value, ValueMap } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import { FINAL_STATES, type TaskState } from '../protocol/states.ts';
import type { ReceivedTask, TaskBody, TaskHeaders } from '../protocol/task-message.ts';
import type { ExecutionEnv } from './env.ts';
import { wireMoment } from './moments.ts';

/** What a meta records beside the call it belongs to. */
export interface Recorded {
  readonly status: TaskState;
  readonly result: Encoded;
  readonly traceback?: string | null;
  readonly children: readonly Json[] | null;
}

/** The meta of a received task, with all that `resultExtended` adds. A promise only where the body must be decoded asynchronously. */
export function metaOf(
  received: ReceivedTask,
  recorded: Recorded,
  env: Pick<ExecutionEnv, 'clock' | 'resultExtended' | 'hostname'>,
): ResultMeta | Promise<ResultMeta> {
  const { id, group, parent_id } = received.headers;
  const meta: ResultMeta = {
    task_id: id,
    status: recorded.status,
    result: recorded.result,
    traceback: recorded.traceback ?? null,
    children: recorded.children,
    date_done: isFinal(recorded.status) ? wireMoment(env.clock.now()) : null,
    ...(group === null ? null : { group_id: group }),
    ...(parent_id === null ? null : { parent_id }),
  };
  if (!env.resultExtended) return meta;
  const body = readable(received);
  if (body instanceof Promise) return body.then((read) => ({ ...meta, extended: extensionOf(received, read, env.hostname) }));
  return { ...meta, extended: extensionOf(received, body, env.hostname) };
}

/** STARTED, as Celery writes it. */
export function startedMeta(
  received: ReceivedTask,
  pid: number,
  env: Pick<ExecutionEnv, 'clock' | 'resultExtended' | 'hostname'>,
): ResultMeta | Promise<ResultMeta> {
  return metaOf(received, { status: 'STARTED', result: encoded({ pid, hostname: env.hostname }), children: [] }, env);
}

const isFinal = (status: TaskState): boolean => (FINAL_STATES as readonly string[]).includes(status);

/** A body that cannot be read is no reason to lose the record that says so. */
function readable(received: ReceivedTask): TaskBody | undefined | Promise<TaskBody | undefined> {
  try {
    const body = received.body();
    return body instanceof Promise ? body.catch(() => undefined) : body;
  } catch {
    return undefined;
  }
}

function extensionOf({ headers, deliveryInfo }: ReceivedTask, body: TaskBody | undefined, worker: string): ValueMap {
  return {
    name: headers.task,
    args: (body?.args ?? null) as Value,
    kwargs: body?.kwargs ?? null,
    worker,
    retries: headers.retries,
    queue: deliveryInfo.routingKey,
    ...stampsOf(headers),
  };
}

function stampsOf({ stamped_headers, stamps }: TaskHeaders): ValueMap {
  if (stamped_headers === null) return {};
  return { stamped_headers, ...Object.fromEntries(stamped_headers.flatMap((name) => (stamps[name] === undefined ? [] : [[name, stamps[name] as Value]]))) };
}
