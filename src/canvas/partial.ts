/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { CannotBeSent, List } from './sendable.ts';

/*
 * Which argument lists a partial call may hold, and what is then still missing: Celery prepends the result of the link before, so
 * the arguments that a signature holds are the last ones. Optional parameters give several complete forms; each is tried.
 */
type Complete<A extends List> = number extends A['length'] ? A : A['length'] extends Required<A>['length'] ? A : Forms<A>;
type Forms<A extends List, H extends List = []> = A extends readonly []
  ? H
  : number extends A['length']
    ? [...H, ...A]
    : A extends readonly [infer X, ...infer T]
      ? Forms<T, [...H, X]>
      : A extends readonly [(infer X)?, ...infer T]
        ? H | Forms<T, [...H, X]>
        : [...H, ...A];
type Tails<A extends List> = A extends readonly [unknown, ...infer T extends List] ? A | Tails<T> : A;

/** The argument lists that `s()` takes. */
export type Partials<A extends List> = Tails<Complete<A>>;
/** The arguments of `A` that `P` leaves open. */
export type Missing<A extends List, P extends List> = Lacks<Complete<A>, P>;
type Lacks<F, P extends List> = F extends List
  ? number extends F['length']
    ? F
    : F extends readonly [...infer M, ...{ [K in keyof P]: any }]
      ? [...M, ...P] extends F
        ? M
        : never
      : never
  : never;
/** The one argument of a task that `map` can run. */
export type MapItem<A extends List> = A extends readonly [(infer X)?, ...infer T]
  ? [] extends T
    ? X
    : CannotBeSent<'map() runs a task of one argument; use starmap()'>
  : CannotBeSent<'map() runs a task of one argument'>;
