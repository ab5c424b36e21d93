/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { CallSignature } from './call-signature.ts';
import { callerOf, listOf } from './members.ts';
import type { AnySignature, Group, MemberResult, MissingOf, Results } from './signature.ts';
import { groupData } from './signature-data.ts';

/** Run side by side: results as a tuple from arguments, as an array from an iterable. */
export function group<const S extends readonly AnySignature[]>(...members: S): Group<MissingOf<S[number]>, Results<S>>;
export function group<S extends AnySignature>(members: Iterable<S>): Group<MissingOf<S>, MemberResult<S>[]>;

export function group(...members: readonly unknown[]): Group<any, any> {
  const list = listOf(members);
  return new CallSignature(groupData(list.map((member) => member.toJSON())), callerOf(list)) as unknown as Group<any, any>;
}
