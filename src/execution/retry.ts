import { MaxRetriesExceededError, type Retry, type RetryOptions } from '../errors.ts';
import { argsRepr, kwargsRepr } from '../kernel/repr.ts';
import { durationMs } from '../kernel/duration.ts';
import { withoutDelay } from '../messaging/delayed-delivery.ts';
import type { Json, Value, ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { ReceivedTask, TaskBody, TaskHeaders } from '../protocol/task-message.ts';
import type { Run, RunnableTask } from './env.ts';
import { momentMs, wireMoment } from './moments.ts';

/** What a retry needs of the running task. */
export interface Retried {
  readonly received: ReceivedTask;
  readonly body: TaskBody;
  readonly task: Pick<RunnableTask, 'policy' | 'mergeArguments'>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What is thrown instead of a Retry when the limit is reached: the error given as `exc`, else MaxRetriesExceededError. Undefined while there are retries left. */
export function exhausted(retried: Pick<Retried, 'received' | 'body' | 'task'>, options: RetryOptions): unknown {
  const { headers } = retried.received;
  const limit = options.maxRetries ?? retried.task.policy.maxRetries;
  if (limit === null || headers.retries + 1 <= limit) return undefined;
  if (options.exc !== undefined && options.exc !== null) return options.exc;
  const { args, kwargs } = argumentsOf(retried, options);
  const call = `${headers.task}[${headers.id}] args:${argsRepr(args)} kwargs:${kwargsRepr(kwargs)}`;
  return new MaxRetriesExceededError(`Can't retry ${call}`, { taskArgs: args, taskKwargs: kwargs });
}

/** Remembers a limit given to `self.retry()`, for an autoretry of the error it throws. Call it before `exhausted`. */
export function noteMaxRetries(run: Run, options: RetryOptions): void {
  if (typeof options.maxRetries === 'number') run.maxRetries = options.maxRetries;
}

/** The whole next attempt: the same id, links, chord and limits, one retry more, due after the wait, on the queue it came from. */
export function nextAttempt(retried: Retried, options: RetryOptions): SignatureData {
  const { headers, wire } = retried.received;
  const { embed } = retried.body;
  const [hard, soft] = headers.timelimit;
  return {
    task: headers.task,
    ...argumentsOf(retried, options),
    options: given({
      task_id: headers.id,
      root_id: headers.root_id ?? headers.id,
      parent_id: headers.parent_id ?? headers.id,
      group_id: headers.group,
      group_index: headers.group_index,
      link: embed.callbacks,
      link_error: embed.errbacks,
      chain: embed.chain,
      chord: embed.chord,
      retries: headers.retries + 1,
      eta: wireMoment(retried.now + waitMs(retried, options)),
      expires: expiresOf(retried, options),
      time_limit: hard,
      soft_time_limit: soft,
      shadow: headers.shadow,
      headers: customHeaders(headers),
      reply_to: wire.properties.replyTo,
      ignore_result: headers.ignore_result ?? retried.task.policy.ignoreResult,
      replaced_task_nesting: headers.replaced_task_nesting,
      ...stampsOf(headers),
      priority: options.priority ?? retried.received.deliveryInfo.priority,
      ...destination(retried.received, options),
    }),
    subtask_type: null,
    immutable: false,
  };
}

/** Milliseconds from now until the next attempt: `eta`, else `countdown`, else the task's delay. */
export function waitMs({ task, now }: Pick<Retried, 'task' | 'now'>, options: RetryOptions): number {
  const eta = options.eta === null || options.eta === undefined ? undefined : momentMs(options.eta, now);
  if (eta !== undefined) return Math.max(0, eta - now);
  return ((options.countdown ?? null) === null ? undefined : durationMs(options.countdown)) ?? task.policy.defaultRetryDelayMs;
}

/** The line that ends the traceback of a RETRY, as Celery words it. */
export function retryText(retry: Retry, wait: number, errorRepr: string | undefined): string {
  const when = `in ${Number((wait / 1000).toFixed(3))}s`;
  return (retry.options.exc ?? null) === null ? `Retry ${when}` : `Retry ${when}: ${errorRepr ?? String(retry.options.exc)}`;
}

function argumentsOf({ body, task }: Pick<Retried, 'body' | 'task'>, options: RetryOptions): Pick<TaskBody, 'args' | 'kwargs'> {
  const args = options.args as readonly Value[] | undefined;
  const kwargs = options.kwargs as ValueMap | undefined;
  if ((args === undefined) !== (kwargs === undefined) && task.mergeArguments !== undefined) {
    return task.mergeArguments(body, { ...(args === undefined ? {} : { args }), ...(kwargs === undefined ? {} : { kwargs }) });
  }
  return { args: args ?? body.args, kwargs: kwargs ?? body.kwargs };
}

function expiresOf({ received, now }: Retried, options: RetryOptions): string | null {
  const ms = options.expires === null || options.expires === undefined ? undefined : momentMs(options.expires, now);
  return ms === undefined ? received.headers.expires : wireMoment(ms);
}

/** A queue by its name where the default exchange was used, as nearly always; else the exchange and key it came by. */
function destination({ deliveryInfo }: ReceivedTask, options: RetryOptions): ValueMap {
  if (options.queue !== undefined) return { queue: options.queue };
  const { exchange, routingKey, queue } = deliveryInfo;
  if (exchange === '') return { queue: routingKey === '' ? queue : routingKey };
  return { exchange, routing_key: withoutDelay(routingKey) };
}

const OWN_HEADERS: ReadonlySet<string> = new Set([
  'lang',
  'task',
  'id',
  'shadow',
  'eta',
  'expires',
  'group',
  'group_index',
  'retries',
  'timelimit',
  'root_id',
  'parent_id',
  'argsrepr',
  'kwargsrepr',
  'origin',
  'ignore_result',
  'replaced_task_nesting',
  'stamped_headers',
  'stamps',
  'compression',
  'redelivered',
]);

/** Headers that the caller added. A broker's record of dead letters does not belong to the call, so it is left behind. */
function customHeaders(headers: TaskHeaders): ValueMap | null {
  const custom = Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name) && !/^x-(?:first-|last-)?death/.test(name));
  return custom.length === 0 ? null : Object.fromEntries(custom);
}

function stampsOf({ stamped_headers, stamps }: TaskHeaders): ValueMap {
  if (stamped_headers === null) return {};
  const kept = stamped_headers.flatMap((name): [string, Json][] => (stamps[name] === undefined ? [] : [[name, stamps[name]]]));
  return { ...Object.fromEntries(kept), stamped_headers };
}

/** Options that say something. */
const given = (options: ValueMap): ValueMap => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null && value !== undefined));
