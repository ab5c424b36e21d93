import { CallSignature } from './call-signature.ts';
import type { Caller } from './caller.ts';

/** Signatures given one by one, or as one iterable. */
export function listOf(given: readonly unknown[]): readonly CallSignature[] {
  const only = given.length === 1 ? given[0] : undefined;
  const list = only !== undefined && !(only instanceof CallSignature) && isIterable(only) ? [...only] : given;
  for (const item of list) {
    if (!(item instanceof CallSignature)) throw new TypeError(`expected signatures, such as task.s(1, 2), not ${whatItIs(item)}`);
  }
  return list as readonly CallSignature[];
}

/** A task in place of its signature is the likeliest slip, and a promise the next. */
function whatItIs(item: unknown): string {
  if (typeof item === 'function' && 's' in item) return `the task itself: write ${(item as { readonly name?: string }).name || 'task'}.s(…)`;
  if (item instanceof Promise) return 'a promise: what has been sent already (delay, applyAsync) cannot become part of a workflow';
  return item === null ? 'null' : typeof item;
}

/** The app of the first that has one. */
export const callerOf = (signatures: readonly CallSignature[]): Caller | undefined => signatures.find((one) => one.caller !== undefined)?.caller;

const isIterable = (value: unknown): value is Iterable<unknown> => typeof value === 'object' && value !== null && Symbol.iterator in value;
