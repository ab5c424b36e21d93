/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { CallSignature } from './call-signature.ts';
import { chained } from './join.ts';
import { chainData } from './signature-data.ts';
import { callerOf, listOf } from './members.ts';
import type { List } from './sendable.ts';
import type { AnySignature, LastResult, Linked, Signature } from './signature.ts';

/** `chain(a, b, c)` is `a.pipe(b).pipe(c)`. */
/** The empty chain: does nothing, gives null; a task cannot be replaced with it. */
export function chain(): Signature<[ignored?: unknown], null>;
export function chain<M extends List, R>(a: Signature<M, R>): Signature<M, R>;
/** From a list made at run time: steps of one shape, `T` in and `T` out. */
export function chain<T>(steps: Iterable<Signature<[T], T>>): Signature<[T], T>;
export function chain<M extends List, A, R>(a: Signature<M, A>, b: Signature<[NoInfer<A>], R>): Signature<M, R>;
export function chain<M extends List, A, B, R>(a: Signature<M, A>, b: Signature<[NoInfer<A>], B>, c: Signature<[NoInfer<B>], R>): Signature<M, R>;
export function chain<M extends List, A, B, C, R>(
  a: Signature<M, A>,
  b: Signature<[NoInfer<A>], B>,
  c: Signature<[NoInfer<B>], C>,
  d: Signature<[NoInfer<C>], R>,
): Signature<M, R>;
export function chain<M extends List, A, B, C, D, R>(
  a: Signature<M, A>,
  b: Signature<[NoInfer<A>], B>,
  c: Signature<[NoInfer<B>], C>,
  d: Signature<[NoInfer<C>], D>,
  e: Signature<[NoInfer<D>], R>,
): Signature<M, R>;
export function chain<M extends List, A, B, C, D, E, R>(
  a: Signature<M, A>,
  b: Signature<[NoInfer<A>], B>,
  c: Signature<[NoInfer<B>], C>,
  d: Signature<[NoInfer<C>], D>,
  e: Signature<[NoInfer<D>], E>,
  f: Signature<[NoInfer<E>], R>,
): Signature<M, R>;
export function chain<M extends List, A, B, C, D, E, F, G, const S extends readonly AnySignature[]>(
  a: Signature<M, A>,
  b: Signature<[NoInfer<A>], B>,
  c: Signature<[NoInfer<B>], C>,
  d: Signature<[NoInfer<C>], D>,
  e: Signature<[NoInfer<D>], E>,
  f: Signature<[NoInfer<E>], F>,
  g: Signature<[NoInfer<F>], G>,
  ...more: S & Linked<G, S>
): Signature<M, LastResult<G, S>>;

export function chain(...steps: readonly unknown[]): Signature<any, any> {
  const list = listOf(steps);
  const data = list.map((step) => step.toJSON());
  // One step is a chain all the same, and what is joined to it goes by the rules of chains.
  const made = list.length === 1 && list[0] === steps[0] ? chainData(data) : chained(data);
  return new CallSignature(made, callerOf(list)) as unknown as Signature<any, any>;
}
