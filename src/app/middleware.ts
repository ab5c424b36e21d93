import type { ApplyOptions } from '../canvas/call-options.ts';
import type { List } from '../canvas/sendable.ts';
import type { TaskContext } from './task-context.ts';

/** A call that is being published. `headers` are those of the message: what is set there travels. */
export interface PublishCall {
  readonly task: string;
  args: List;
  kwargs: Readonly<Record<string, unknown>>;
  headers: Record<string, unknown>;
  options: ApplyOptions;
}

/** Wraps publishing and running, outermost first, in the process where it happens. */
export interface Middleware {
  /** Around publishing: change the message, or do not call `next`. */
  publish?(call: PublishCall, next: () => Promise<void>): Promise<void>;
  /** Around the handler, in the process that runs it. */
  execute?(context: TaskContext, next: () => Promise<unknown>): Promise<unknown>;
}

/** The functions of a list of wrappers as one: each may do something before and after the next, the last calls `innermost`. */
export function wrap<C, T>(wrappers: readonly ((context: C, next: () => Promise<T>) => Promise<T>)[], context: C, innermost: () => Promise<T>): Promise<T> {
  const call = (index: number): Promise<T> => {
    const wrapper = wrappers[index];
    return wrapper === undefined ? innermost() : wrapper(context, () => call(index + 1));
  };
  return call(0);
}
