/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { AnyFunction } from './task-types.ts';

/** Known remote tasks by name. Add to it by declaration merging: `interface TaskRegistry { 'py.add': (x: number) => number }`. */
// oxlint-disable-next-line typescript/no-empty-object-type
export interface TaskRegistry {}
type AnyCall = (...args: any[]) => any;
export type Registered<N> = N extends keyof TaskRegistry ? (TaskRegistry[N] extends AnyFunction ? TaskRegistry[N] : AnyCall) : AnyCall;
