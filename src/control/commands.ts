/** Every remote-control command, once, with its names on the wire. The worker must handle them all; client, CLI and dashboard are read off this table. */
export interface CommandSpec {
  readonly kind: 'inspect' | 'control';
  readonly wire: string;
  readonly help: string;
  readonly args: Readonly<Record<string, ArgSpec>>;
}
export interface ArgSpec {
  readonly type: 'string' | 'number' | 'boolean' | 'string[]';
  readonly wire: string;
  readonly required?: true;
  readonly help: string;
}
type ArgTypes = { string: string; number: number; boolean: boolean; 'string[]': readonly string[] };
export const commands = {
  ping: { kind: 'inspect', wire: 'ping', help: 'Is the worker alive?', args: {} },
  active: {
    kind: 'inspect',
    wire: 'active',
    help: 'Tasks being run right now.',
    args: { safe: { type: 'boolean', wire: 'safe', help: 'Leave out what may not be JSON.' } },
  },
  revoke: {
    kind: 'control',
    wire: 'revoke',
    help: 'Do not run these tasks, or end them.',
    args: {
      taskIds: { type: 'string[]', wire: 'task_id', required: true, help: 'Ids of the tasks; Python sends one or a list.' },
      terminate: { type: 'boolean', wire: 'terminate', help: 'End them if running.' },
      signal: { type: 'string', wire: 'signal', help: 'Signal to end them with.' },
    },
  },
  rateLimit: {
    kind: 'control',
    wire: 'rate_limit',
    help: 'Change a task type’s rate limit.',
    args: {
      task: { type: 'string', wire: 'task_name', required: true, help: 'Name of the task.' },
      limit: { type: 'string', wire: 'rate_limit', required: true, help: 'For example 10/m; 0 for none.' },
    },
  },
} as const satisfies Record<string, CommandSpec>;
export type CommandName = keyof typeof commands;
type Spec<N extends CommandName> = (typeof commands)[N]['args'];
type Required_<S> = { [K in keyof S]: S[K] extends { required: true } ? K : never }[keyof S];
type Value<A> = A extends { type: infer T extends keyof ArgTypes } ? ArgTypes[T] : never;
export type CommandArgs<N extends CommandName> = { readonly [K in Required_<Spec<N>>]: Value<Spec<N>[K]> } & {
  readonly [K in Exclude<keyof Spec<N>, Required_<Spec<N>>>]?: Value<Spec<N>[K]>;
};
