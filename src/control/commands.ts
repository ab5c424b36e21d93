import type { Value } from '../protocol/json.ts';

/** Every remote-control command, once, with its names on the wire. The worker must handle them all; client, CLI and dashboard are read off this table. */
export interface CommandSpec {
  /** `inspect` asks, `control` changes something. */
  readonly kind: 'inspect' | 'control';
  readonly wire: string;
  /** Older names of it. */
  readonly aliases?: readonly string[];
  readonly help: string;
  readonly args: Readonly<Record<string, ArgSpec>>;
}
export interface ArgSpec {
  readonly type: keyof ArgTypes;
  readonly wire: string;
  readonly required?: true;
  readonly help: string;
}
interface ArgTypes {
  string: string;
  number: number;
  boolean: boolean;
  'string[]': readonly string[];
  /** Whatever came. */
  value: Value;
}

const signalArg = { type: 'string', wire: 'signal', help: 'Signal to end them with; default SIGTERM.' } as const;
const taskArg = { type: 'string', wire: 'task_name', required: true, help: 'Name of the task.' } as const;
const countArg = { type: 'number', wire: 'n', help: 'How many; default 1.' } as const;
const queueArg = { type: 'string', wire: 'queue', required: true, help: 'Name of the queue.' } as const;

export const commands = {
  ping: { kind: 'inspect', wire: 'ping', help: 'Is the worker alive?', args: {} },
  active: {
    kind: 'inspect',
    wire: 'active',
    aliases: ['dump_active'],
    help: 'Tasks being run right now.',
    args: { safe: { type: 'boolean', wire: 'safe', help: 'Arguments as text.' } },
  },
  reserved: { kind: 'inspect', wire: 'reserved', aliases: ['dump_reserved'], help: 'Tasks taken from the queue that do not run yet.', args: {} },
  scheduled: { kind: 'inspect', wire: 'scheduled', aliases: ['dump_schedule'], help: 'Tasks that wait here for their eta.', args: {} },
  registered: {
    kind: 'inspect',
    wire: 'registered',
    aliases: ['dump_tasks'],
    help: 'Tasks that the worker knows.',
    args: {
      items: { type: 'string[]', wire: 'taskinfoitems', help: 'Options to show with each: exchange, routing_key, rate_limit.' },
      builtins: { type: 'boolean', wire: 'builtins', help: 'Those of Celery itself too.' },
    },
  },
  revoked: { kind: 'inspect', wire: 'revoked', aliases: ['dump_revoked'], help: 'Ids of revoked tasks.', args: {} },
  activeQueues: { kind: 'inspect', wire: 'active_queues', help: 'Queues that the worker consumes from.', args: {} },
  queryTask: {
    kind: 'inspect',
    wire: 'query_task',
    help: 'What the worker knows of these tasks.',
    args: { ids: { type: 'string[]', wire: 'ids', required: true, help: 'Ids of the tasks.' } },
  },
  stats: { kind: 'inspect', wire: 'stats', help: 'Counters, pool and broker.', args: {} },
  conf: {
    kind: 'inspect',
    wire: 'conf',
    aliases: ['dump_conf'],
    help: 'The settings, secrets masked.',
    args: { withDefaults: { type: 'boolean', wire: 'with_defaults', help: 'Those that nobody has changed too.' } },
  },
  report: { kind: 'inspect', wire: 'report', help: 'Versions and settings, for bug reports.', args: {} },
  clock: { kind: 'inspect', wire: 'clock', help: 'The logical clock.', args: {} },
  hello: {
    kind: 'inspect',
    wire: 'hello',
    help: 'A new worker asks what is revoked.',
    args: {
      fromNode: { type: 'string', wire: 'from_node', required: true, help: 'Who asks.' },
      revoked: { type: 'value', wire: 'revoked', help: 'Ids that it knows to be revoked.' },
    },
  },
  revoke: {
    kind: 'control',
    wire: 'revoke',
    help: 'Do not run these tasks, or end them.',
    args: {
      taskIds: { type: 'string[]', wire: 'task_id', required: true, help: 'Ids of the tasks; Python sends one or a list.' },
      terminate: { type: 'boolean', wire: 'terminate', help: 'End them if running.' },
      signal: signalArg,
    },
  },
  terminate: {
    kind: 'control',
    wire: 'terminate',
    help: 'End these tasks.',
    args: { taskIds: { type: 'string[]', wire: 'task_id', required: true, help: 'Ids of the tasks.' }, signal: signalArg },
  },
  revokeByStampedHeaders: {
    kind: 'control',
    wire: 'revoke_by_stamped_headers',
    help: 'Do not run tasks that carry these stamps, or end them.',
    args: {
      headers: { type: 'value', wire: 'headers', required: true, help: 'Names of stamps and their values.' },
      terminate: { type: 'boolean', wire: 'terminate', help: 'End them if running.' },
      signal: signalArg,
    },
  },
  rateLimit: {
    kind: 'control',
    wire: 'rate_limit',
    help: 'Change a task type’s rate limit.',
    args: { task: taskArg, limit: { type: 'string', wire: 'rate_limit', required: true, help: 'For example 10/m; 0 for none.' } },
  },
  timeLimit: {
    kind: 'control',
    wire: 'time_limit',
    help: 'Change a task type’s time limits.',
    args: {
      task: taskArg,
      soft: { type: 'number', wire: 'soft', help: 'Seconds until the task is told; left out for none.' },
      hard: { type: 'number', wire: 'hard', help: 'Seconds until the task is ended; left out for none.' },
    },
  },
  addConsumer: {
    kind: 'control',
    wire: 'add_consumer',
    help: 'Consume from one more queue.',
    args: {
      queue: queueArg,
      exchange: { type: 'string', wire: 'exchange', help: 'Default: that of the queue.' },
      exchangeType: { type: 'string', wire: 'exchange_type', help: 'Default: direct.' },
      routingKey: { type: 'string', wire: 'routing_key', help: 'Default: that of the queue.' },
    },
  },
  cancelConsumer: { kind: 'control', wire: 'cancel_consumer', help: 'Consume no longer from a queue.', args: { queue: queueArg } },
  poolGrow: { kind: 'control', wire: 'pool_grow', help: 'Run more tasks at a time.', args: { n: countArg } },
  poolShrink: { kind: 'control', wire: 'pool_shrink', help: 'Run fewer tasks at a time.', args: { n: countArg } },
  enableEvents: { kind: 'control', wire: 'enable_events', help: 'Send events about tasks.', args: {} },
  disableEvents: { kind: 'control', wire: 'disable_events', help: 'Send no events about tasks.', args: {} },
  heartbeat: { kind: 'control', wire: 'heartbeat', help: 'Send a heartbeat now.', args: {} },
  shutdown: { kind: 'control', wire: 'shutdown', help: 'Finish what runs, and end.', args: {} },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof commands;
type Spec<N extends CommandName> = (typeof commands)[N]['args'];
type RequiredOf<S> = { [K in keyof S]: S[K] extends { required: true } ? K : never }[keyof S];
type ValueOf<A> = A extends { type: infer T extends keyof ArgTypes } ? ArgTypes[T] : never;
export type CommandArgs<N extends CommandName> = { readonly [K in RequiredOf<Spec<N>>]: ValueOf<Spec<N>[K]> } & {
  readonly [K in Exclude<keyof Spec<N>, RequiredOf<Spec<N>>>]?: ValueOf<Spec<N>[K]> | undefined;
};

/** The command of a name on the wire, old names included. */
export function commandOf(wire: string): CommandName | undefined {
  return byWire.get(wire);
}

const byWire: ReadonlyMap<string, CommandName> = new Map(
  (Object.entries(commands) as [CommandName, CommandSpec][]).flatMap(([name, spec]) =>
    [spec.wire, ...(spec.aliases ?? [])].map((wire): [string, CommandName] => [wire, name]),
  ),
);

/** Arguments as they came, under our names and of our types. Null counts as left out; what the table does not know is ignored. Throws TypeError. */
export function readArgs(spec: CommandSpec, given: { readonly [wire: string]: Value | undefined }): Readonly<Record<string, Value>> {
  const args: Record<string, Value> = {};
  for (const [name, arg] of Object.entries(spec.args)) {
    const value = given[arg.wire] ?? given[name];
    if (value !== undefined && value !== null) args[name] = readers[arg.type](value, arg.wire);
    else if (arg.required === true) throw new TypeError(`${spec.wire}() missing 1 required argument: '${arg.wire}'`);
  }
  return args;
}

/** The other way: under the names of the wire. */
export function writeArgs(spec: CommandSpec, given: Readonly<Record<string, unknown>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(spec.args).flatMap(([name, arg]) => (given[name] === undefined ? [] : [[arg.wire, given[name] as Value]])));
}

const readers: { readonly [T in keyof ArgTypes]: (value: NonNullable<Value>, name: string) => ArgTypes[T] } = {
  string: (value) => String(value),
  number(value, name) {
    const number = Number(value);
    if (Number.isNaN(number)) throw new TypeError(`${name} must be a number, but it is ${JSON.stringify(value)}`);
    return number;
  },
  boolean: (value) => (typeof value === 'string' ? ['true', 'yes', '1', 'on'].includes(value.toLowerCase()) : Boolean(value)),
  'string[]': (value) => (Array.isArray(value) ? (value as readonly Value[]).map(String) : [String(value)]),
  value: (value) => value,
};
