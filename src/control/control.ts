import { coreOf } from '../app/core.ts';
import type { Celery } from '../app/celery.ts';
import type { RateLimit } from '../app/task-options.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { durationMs } from '../kernel/duration.ts';
import type { Duration } from '../kernel/duration.ts';
import type { Queue } from '../messaging/entities.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import type { RevokeOptions } from '../results/result.ts';
import { broadcast } from '../app/broadcast.ts';
import type { BroadcastOptions, Replies } from '../app/broadcast.ts';
import { commands, writeArgs } from './commands.ts';
import type { CommandName } from './commands.ts';
import { purgeQueues } from './purge.ts';

type OneOrMore<T> = T | readonly T[];
type Named = string | { readonly name: string };
type Ok = Promise<Replies<{ readonly ok: string }>>;

/** Orders to the workers. Where a reply is promised, who does not answer in time is not in it. */
export interface Control {
  /** Do not run these tasks, or with `terminate` end them. `wait` waits until the workers have heard it. */
  revoke(ids: OneOrMore<string>, options?: RevokeOptions & Omit<BroadcastOptions, 'signal'>): Promise<void>;
  /** The same for all tasks that carry one of these stamps. */
  revokeByStampedHeaders(stamps: Readonly<Record<string, OneOrMore<string>>>, options?: RevokeOptions & Omit<BroadcastOptions, 'signal'>): Promise<void>;
  rateLimit(task: Named, limit: RateLimit, options?: BroadcastOptions): Ok;
  /** For future runs. Left out or null: none. */
  timeLimit(task: Named, limits: { readonly soft?: Duration | null; readonly hard?: Duration | null }, options?: BroadcastOptions): Ok;
  addConsumer(queue: string | Queue, options?: BroadcastOptions): Ok;
  cancelConsumer(queue: string, options?: BroadcastOptions): Ok;
  poolGrow(n?: number, options?: BroadcastOptions): Ok;
  poolShrink(n?: number, options?: BroadcastOptions): Ok;
  enableEvents(options?: BroadcastOptions): Promise<void>;
  disableEvents(options?: BroadcastOptions): Promise<void>;
  /** The workers finish what they run, and end. */
  shutdown(options?: BroadcastOptions): Promise<void>;
  /** Empties the queues that workers of this app consume from; no worker takes part. Gives the number of messages that went. */
  purge(): Promise<number>;
  /** Any command, by its name on the wire. */
  broadcast<T = unknown>(
    command: string,
    args?: Readonly<Record<string, unknown>>,
    options?: BroadcastOptions & { readonly reply?: boolean },
  ): Promise<Replies<T>>;
}

/** Gives orders to the workers of an app: `await control(app).revoke(id, { terminate: true })`. */
export function control(app: Celery): Control {
  const core = coreOf(app);
  const send = async (
    name: CommandName,
    args: Readonly<Record<string, unknown>>,
    options: BroadcastOptions | undefined,
    reply: boolean,
  ): Promise<Replies<never>> => {
    const spec = commands[name];
    return (await broadcast(core, { method: spec.wire, args: writeArgs(spec, args), reply }, options)) as Replies<never>;
  };
  const order = (name: CommandName, args: Readonly<Record<string, unknown>>, options?: BroadcastOptions): Ok => send(name, args, options, true);
  const say = async (name: CommandName, args: Readonly<Record<string, unknown>>, options?: BroadcastOptions, wait = false): Promise<void> => {
    await send(name, args, options, wait);
  };
  return {
    revoke: (ids, { terminate, signal, wait, ...options } = {}) => say('revoke', { taskIds: ids, ...ending({ terminate, signal }) }, options, wait),
    revokeByStampedHeaders: (headers, { terminate, signal, wait, ...options } = {}) =>
      say('revokeByStampedHeaders', { headers, ...ending({ terminate, signal }) }, options, wait),
    rateLimit: (task, limit, options) => order('rateLimit', { task: nameOf(task), limit: String(limit ?? 0) }, options),
    timeLimit: (task, { soft, hard }, options) => order('timeLimit', { task: nameOf(task), soft: seconds(soft), hard: seconds(hard) }, options),
    addConsumer: (queue, options) => order('addConsumer', queueArgs(queue), options),
    cancelConsumer: (queue, options) => order('cancelConsumer', { queue }, options),
    poolGrow: (n = 1, options) => order('poolGrow', { n }, options),
    poolShrink: (n = 1, options) => order('poolShrink', { n }, options),
    enableEvents: (options) => say('enableEvents', {}, options),
    disableEvents: (options) => say('disableEvents', {}, options),
    shutdown: (options) => say('shutdown', {}, options),
    purge: () => purgeQueues(core, core.queues.consumeFrom, { role: 'control', maxRetries: 2 }),
    broadcast: async <T>(
      method: string,
      args: Readonly<Record<string, unknown>> = {},
      { reply = false, ...options }: BroadcastOptions & { readonly reply?: boolean } = {},
    ) => (await broadcast(core, { method, args: args as ValueMap, reply }, options)) as Replies<T & Value>,
  };
}

/** Left out rather than sent as null where nobody said anything. */
const ending = ({
  terminate,
  signal,
}: {
  readonly terminate?: boolean | undefined;
  readonly signal?: string | undefined;
}): Readonly<Record<string, unknown>> => ({
  terminate: terminate ?? false,
  signal: signal ?? 'SIGTERM',
});

const nameOf = (task: Named): string => (typeof task === 'string' ? task : task.name);

function seconds(limit: Duration | null | undefined): number | undefined {
  if (limit === undefined || limit === null) return undefined;
  const ms = durationMs(limit);
  if (ms === undefined) throw new ImproperlyConfigured(`a limit must be seconds or a duration such as '5m', but it is ${JSON.stringify(limit)}`);
  return ms / 1000;
}

function queueArgs(queue: string | Queue): Readonly<Record<string, unknown>> {
  if (typeof queue === 'string') return { queue };
  return { queue: queue.name, exchange: queue.exchange.name, exchangeType: queue.exchange.type, routingKey: queue.routingKey };
}
