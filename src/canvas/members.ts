import { CallSignature } from './call-signature.ts';
import type { Caller } from './caller.ts';

/** Signatures given one by one, or as one iterable. */
export function listOf(given: readonly unknown[]): readonly CallSignature[] {
  const only = given.length === 1 ? given[0] : undefined;
  const list = only !== undefined && !(only instanceof CallSignature) && isIterable(only) ? [...only] : given;
  for (const item of list) {
    if (!(item instanceof CallSignature)) throw new TypeError(`expected signatures, such as task.s(1, 2), not ${item === null ? 'null' : typeof item}`);
  }
  return list as readonly CallSignature[];
}

/** The app of the first that has one. */
export const callerOf = (signatures: readonly CallSignature[]): Caller | undefined => signatures.find((one) => one.caller !== undefined)?.caller;

const isIterable = (value: unknown): value is Iterable<unknown> => typeof value === 'object' && value !== null && Symbol.iterator in value;
