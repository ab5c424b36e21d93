import { coreOf } from '../app/core.ts';
import type { AppCore } from '../app/core.ts';
import type { Celery } from '../app/celery.ts';
import type { Value } from '../protocol/json.ts';
import type { ArgSpec, CommandSpec } from './commands.ts';

/** A command of the user's own. */
export interface CustomCommand {
  readonly spec: CommandSpec;
  readonly handle: (worker: unknown, args: Readonly<Record<string, Value>>) => unknown;
}

export interface CommandDefinition<A extends Record<string, unknown>> {
  readonly kind: 'inspect' | 'control';
  readonly name: string;
  readonly help?: string | undefined;
  readonly args?: { readonly [K in keyof A]: 'string' | 'number' | 'boolean' | 'string[]' } | undefined;
}

/** Each app's own; it goes when the app goes. */
const byApp = new WeakMap<AppCore, Map<string, CustomCommand>>();

/** A command of your own for `inspect` or `control`. `W` is the worker that carries it out; the worker must import the module that defines it. */
export function defineCommand<
  A extends Record<string, unknown>,
  T,
  W = AsyncDisposable & { readonly hostname: string; stats(): Readonly<Record<string, unknown>> },
>(app: Celery, command: CommandDefinition<A>, handler: (worker: W, args: A) => T | Promise<T>): void {
  const core = coreOf(app);
  const args = Object.entries(command.args ?? {}).map(([name, type]): [string, ArgSpec] => [name, { type: type as ArgSpec['type'], wire: name, help: '' }]);
  const spec: CommandSpec = { kind: command.kind, wire: command.name, help: command.help ?? '', args: Object.fromEntries(args) };
  const own = byApp.get(core) ?? new Map<string, CustomCommand>();
  byApp.set(core, own);
  own.set(command.name, { spec, handle: handler as CustomCommand['handle'] });
}

export const customCommand = (core: AppCore, name: string): CustomCommand | undefined => byApp.get(core)?.get(name);
