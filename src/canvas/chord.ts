/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { CallSignature } from './call-signature.ts';
import { callerOf, listOf } from './members.ts';
import type { List } from './sendable.ts';
import type { AnySignature, Group, MemberResult, MissingOf, Signature } from './signature.ts';
import { asHeader } from './join.ts';
import { chordData } from './signature-data.ts';

/** Run `header` side by side, then `body` with the list of results. */
export function chord<S extends AnySignature, R>(header: Iterable<S>, body: Signature<[MemberResult<S>[]], R>): Signature<MissingOf<S>, R>;
export function chord<M extends List, T extends List, R>(header: Group<M, T>, body: Signature<[NoInfer<T>], R>): Signature<M, R>;
/** A header of one signature: the body still receives a list. */
export function chord<M extends List, T, R>(header: Signature<M, T>, body: Signature<[NoInfer<T>[]], R>): Signature<M, R>;

export function chord(header: unknown, body: unknown): Signature<any, any> {
  if (body === undefined) {
    throw new TypeError(
      'a chord takes its body beside its header, not in a call of its own: write chord([add.s(1, 1), add.s(2, 2)], total.s()), then .delay()',
    );
  }
  const list = listOf([header]);
  const [last] = listOf([body]);
  // A group's members are the header; a group in a list is one of its members.
  const parts = list[0] === header && list[0]?.subtaskType === 'group' ? asHeader(list[0].toJSON()) : list.map((member) => member.toJSON());
  return new CallSignature(chordData(parts, last!.toJSON()), callerOf([...list, last!])) as unknown as Signature<any, any>;
}
