/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { PeriodicTask } from './schedule.ts';
import type { List } from '../canvas/sendable.ts';
import type { RemoteTask } from './task-types.ts';

type Entry = Omit<PeriodicTask, 'task' | 'args'>;

/** An entry checked against its task: `periodic(add, { schedule: 30, args: [16, 16] })`. */
export function periodic<A extends List>(
  task: RemoteTask<A, any>,
  entry: Entry & ([] extends NoInfer<A> ? { readonly args?: NoInfer<A> | (() => NoInfer<A>) } : { readonly args: NoInfer<A> | (() => NoInfer<A>) }),
): PeriodicTask {
  return { ...(entry as Entry), task: task.name };
}
