import type { Core } from './app-core.ts';
import { definition, type AnyOptions } from './definition.ts';
import { TaskEntry } from './task-entry.ts';
import { createTask } from './task-handle.ts';
import type { AnyTask } from './task-types.ts';

type AnyHandler = (...args: never[]) => unknown;
/** The four forms: a function; a name or options and a function; name, options and function. */
export type DefineArguments =
  | readonly [fn: AnyHandler]
  | readonly [nameOrOptions: string | AnyOptions, fn: AnyHandler]
  | readonly [name: string, options: AnyOptions, fn: AnyHandler];

/** Defines and registers a task. The same function under the same name again gives the same task. */
export function defineTask(core: Core, given: DefineArguments, where: string): AnyTask {
  const { name, options, fn } = partsOf(given);
  const made = definition({ main: core.main, name, options, fn, where, warn: (message) => core.log.warn(message) });
  const entry = new TaskEntry(made, core);
  const registered = core.registry.add(entry);
  if (registered !== entry) return registered.handle;
  return createTask(entry, core) as unknown as AnyTask;
}

export function partsOf(given: DefineArguments): { readonly name: string | undefined; readonly options: AnyOptions; readonly fn: AnyHandler } {
  const fn = given.at(-1) as AnyHandler;
  const [first, second] = given;
  if (given.length === 1) return { name: undefined, options: {}, fn };
  if (typeof first !== 'string') return { name: undefined, options: first as AnyOptions, fn };
  return { name: first, options: given.length === 3 ? (second as AnyOptions) : {}, fn };
}
