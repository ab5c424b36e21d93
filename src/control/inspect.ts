import { coreOf } from '../app/core.ts';
import type { Celery } from '../app/celery.ts';
import type { Value } from '../protocol/json.ts';
import { broadcast } from '../app/broadcast.ts';
import type { BroadcastOptions, Replies } from '../app/broadcast.ts';
import { commands, writeArgs } from './commands.ts';
import type { CommandArgs, CommandName } from './commands.ts';

/** A task in a worker's hands. */
export interface ActiveTask {
  readonly id: string;
  readonly name: string;
  readonly args: unknown;
  readonly kwargs: unknown;
  readonly hostname: string;
  readonly timeStart: Date | null;
  readonly acknowledged: boolean;
  readonly workerPid: number | null;
}
export interface ScheduledTask {
  readonly eta: Date;
  readonly priority: number;
  readonly request: ActiveTask;
}
type Fields = Readonly<Record<string, unknown>>;

/** Questions to the workers. Who does not answer in time is not in the reply; what a worker could not answer is `{ error }`. */
export interface Inspect {
  /** Is the worker alive? */
  ping(): Promise<Replies<{ readonly ok: 'pong' }>>;
  /** Tasks being run right now. */
  active(): Promise<Replies<readonly ActiveTask[]>>;
  /** Tasks taken from the queue that do not run yet. */
  reserved(): Promise<Replies<readonly ActiveTask[]>>;
  /** Tasks that wait in a worker for their eta. */
  scheduled(): Promise<Replies<readonly ScheduledTask[]>>;
  /** Counters, pool and broker; the keys are those of the wire. */
  stats(): Promise<Replies<Fields>>;
  /** Tasks that the worker knows. */
  registered(): Promise<Replies<readonly string[]>>;
  /** Ids of revoked tasks. */
  revoked(): Promise<Replies<readonly string[]>>;
  /** Queues that the worker consumes from. */
  activeQueues(): Promise<Replies<readonly Fields[]>>;
  /** Settings that somebody has changed, secrets masked. */
  conf(): Promise<Replies<Fields>>;
  /** What the worker knows of these tasks. */
  queryTask(ids: readonly string[]): Promise<Replies<Fields>>;
  /** Versions and settings, for bug reports. */
  report(): Promise<Replies<{ readonly ok: string }>>;
}

/** Asks the workers of an app: `await inspect(app, { destination: ['w1@host'], timeout: 2 }).active()`. */
export function inspect(app: Celery, options: BroadcastOptions = {}): Inspect {
  const core = coreOf(app);
  const ask = async <T, N extends CommandName>(name: N, args: CommandArgs<N>, read: (value: Value) => T): Promise<Replies<T>> => {
    const spec = commands[name];
    const replies = await broadcast(core, { method: spec.wire, args: writeArgs(spec, args as Fields), reply: true }, options);
    return Object.fromEntries(Object.entries(replies).map(([node, value]) => [node, isError(value) ? value : read(value)]));
  };
  const plain = <T>(value: Value): T => value as T;
  return {
    ping: () => ask('ping', {}, plain<{ readonly ok: 'pong' }>),
    active: () => ask('active', {}, readTasks),
    reserved: () => ask('reserved', {}, readTasks),
    scheduled: () => ask('scheduled', {}, (value) => listOf(value).map(readScheduled)),
    stats: () => ask('stats', {}, plain<Fields>),
    registered: () => ask('registered', {}, plain<readonly string[]>),
    revoked: () => ask('revoked', {}, plain<readonly string[]>),
    activeQueues: () => ask('activeQueues', {}, plain<readonly Fields[]>),
    conf: () => ask('conf', {}, plain<Fields>),
    queryTask: (ids) => ask('queryTask', { ids }, plain<Fields>),
    report: () => ask('report', {}, plain<{ readonly ok: string }>),
  };
}

export const isError = (value: unknown): value is { readonly error: string } =>
  typeof value === 'object' && value !== null && 'error' in value && Object.keys(value).length === 1;

const listOf = (value: Value): readonly Fields[] => (Array.isArray(value) ? (value as readonly Fields[]) : []);
const readTasks = (value: Value): readonly ActiveTask[] => listOf(value).map(readTask);
const readScheduled = (fields: Fields): ScheduledTask => ({
  eta: dateOf(fields['eta'])!,
  priority: Number(fields['priority']),
  request: readTask(fields['request'] as Fields),
});

function readTask(fields: Fields): ActiveTask {
  return {
    id: String(fields['id']),
    name: String(fields['name']),
    args: fields['args'],
    kwargs: fields['kwargs'],
    hostname: String(fields['hostname']),
    timeStart: dateOf(fields['time_start']),
    acknowledged: fields['acknowledged'] === true,
    workerPid: typeof fields['worker_pid'] === 'number' ? fields['worker_pid'] : null,
  };
}

/** Unix seconds or ISO text; a naive one is UTC. */
function dateOf(value: unknown): Date | null {
  if (value instanceof Date) return value;
  if (typeof value === 'number') return new Date(value * 1000);
  if (typeof value !== 'string') return null;
  return new Date(/(?:z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`);
}
