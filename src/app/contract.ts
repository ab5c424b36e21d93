/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { List } from '../canvas/sendable.ts';
import type { StandardSchemaV1 } from './schema.ts';
import type { DeclareOptions } from './task-options.ts';
import type { AnyFunction, TaskContract } from './task-types.ts';

/** A task's name and types, in a file that producers and workers both import. */
export function taskContract<F extends AnyFunction>(name: string, options?: DeclareOptions): TaskContract<Parameters<F>, ReturnType<F>>;
export function taskContract<In extends List, RO>(
  name: string,
  options: DeclareOptions & { readonly args: StandardSchemaV1<In, any>; readonly result: StandardSchemaV1<any, RO> },
): TaskContract<In, RO>;
export function taskContract(name: string, options: DeclareOptions = {}): TaskContract<any, any> {
  return Object.freeze({ name, options });
}
