/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { Duration } from '../kernel/duration.ts';
import type { Json } from '../protocol/json.ts';
import type { AsyncResult, EagerResult, GroupResult } from '../results/result.ts';
import type { ApplyOptions } from './call-options.ts';
import type { Errback } from './errback.ts';
import type { List } from './sendable.ts';

/** A call written down, or a workflow of them. `M`: the arguments still missing, first ones first. `R`: the result. Immutable data. */
export interface Signature<in M extends List, out R> {
  readonly task: string;
  readonly args: List;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly subtaskType: string | null;
  readonly immutable: boolean;
  readonly id: string | undefined;
  /** Steps of a chain, members of a group, header of a chord; undefined on a plain signature. */
  readonly tasks: readonly Signature<any, unknown>[] | undefined;
  /** The body of a chord. */
  readonly body: Signature<any, unknown> | undefined;
  delay(...args: M): Promise<AsyncResult<R>>;
  applyAsync(this: Signature<[], unknown>, options?: ApplyOptions<R>): Promise<AsyncResult<R>>;
  applyAsync(args: M, options?: ApplyOptions<R>): Promise<AsyncResult<R>>;
  apply(...args: M): Promise<EagerResult<R>>;
  /** Celery's `|`: the result becomes the first argument of `next`. A group before `next` makes a chord. */
  pipe<R2>(next: Signature<[R], R2>): Signature<M, R2>;
  /** A copy with options merged in. */
  set(options: ApplyOptions<R> & { readonly immutable?: boolean }): this;
  clone(options?: ApplyOptions<R>): this;
  /** A copy that also starts `callback` with the result. */
  link(callback: Signature<[R], unknown>): this;
  linkError(errback: Signature<[taskId: string], unknown> | Errback): this;
  /** The same as `linkError`, under Celery's chainable name. */
  onError(errback: Signature<[taskId: string], unknown> | Errback): this;
  /**
   * A copy with stamps on every call in it and on its links: headers that tasks can read (`self.request.stamps`) and workers can be told to revoke by.
   * The body of a chord is stamped by a visitor only. `append` gathers values of a name in a list instead of replacing them.
   */
  stamp(stamps: StampValues | StampingVisitor, options?: { readonly append?: boolean; readonly stamps?: StampValues }): this;
  /** Fixes the id now; the handle can be kept before anything is sent. */
  freeze(options?: { readonly id?: string; readonly rootId?: string; readonly parentId?: string; readonly groupId?: string }): {
    readonly signature: Signature<M, R>;
    readonly result: AsyncResult<R>;
  };
  flattenLinks(): readonly Signature<any, unknown>[];
  toJSON(): SignatureData;
  toString(): string;
}
/** A signature as JSON: Celery's own dictionary. What is sent when a signature is an argument. */
export interface SignatureData {
  readonly task: string;
  readonly args: List;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly subtask_type: string | null;
  readonly immutable: boolean;
}
/** Stamps: names with values. With `stamped_headers`, a list of names, only those are stamps and the others are set as options. */
export type StampValues = Readonly<Record<string, Json>>;
/**
 * Gives the stamps of each part of a workflow (Celery's `StampingVisitor`). What a chain, group or chord gets goes on to all that is in it.
 * `stamps` are those from above, which win over the visitor's where both name one.
 */
export interface StampingVisitor {
  onSignature(signature: Signature<any, unknown>, stamps: StampValues): StampValues;
  onGroupStart?(group: Signature<any, unknown>, stamps: StampValues): StampValues;
  onGroupEnd?(group: Signature<any, unknown>, stamps: StampValues): void;
  onChainStart?(chain: Signature<any, unknown>, stamps: StampValues): StampValues;
  onChainEnd?(chain: Signature<any, unknown>, stamps: StampValues): void;
  /** Default: what `onGroupStart` says of the header. */
  onChordHeaderStart?(chord: Signature<any, unknown>, stamps: StampValues): StampValues;
  onChordHeaderEnd?(chord: Signature<any, unknown>, stamps: StampValues): void;
  onChordBody?(chord: Signature<any, unknown>, stamps: StampValues): StampValues;
  onCallback?(callback: Signature<any, unknown>, stamps: StampValues): StampValues;
  onErrback?(errback: Signature<any, unknown>, stamps: StampValues): StampValues;
}

/** Signatures run side by side; `T` holds their results in order. */
export interface Group<in M extends List, out T extends List> extends Signature<M, T> {
  readonly tasks: readonly Signature<any, unknown>[];
  delay(...args: M): Promise<GroupResult<T>>;
  applyAsync(this: Signature<[], unknown>, options?: ApplyOptions<T>): Promise<GroupResult<T>>;
  applyAsync(args: M, options?: ApplyOptions<T>): Promise<GroupResult<T>>;
  /** Gives the members rising countdowns. */
  skew(start?: Duration, stop?: Duration, step?: Duration): this;
}

export type AnySignature = Signature<any, unknown>;
export type ResultOf<S> = S extends Signature<any, infer R> ? R : never;
export type MissingOf<S> = [S] extends [Signature<infer M, unknown>] ? M : never;
/** Groups in a group are one group: the results of all members in one list. */
export type Results<S extends readonly AnySignature[]> = [Extract<S[number], Many>] extends [never] ? { -readonly [K in keyof S]: ResultOf<S[K]> } : Flat<S>;
/** What one member of a group, or of a header, adds to the list of results. */
export type MemberResult<S> = S extends Many ? (ResultOf<S> extends readonly (infer E)[] ? E : never) : ResultOf<S>;
/** How a group is known from other signatures. */
interface Many {
  skew(...range: never): unknown;
}
type Flat<S extends List, Done extends List = []> = S extends readonly [infer H, ...infer T]
  ? Flat<T, [...Done, ...(H extends Many ? Listed<ResultOf<H>> : [ResultOf<H>])]>
  : [...Done, ...{ [K in keyof S]: MemberResult<S[K]> }];
type Listed<R> = R extends List ? R : never;
/** Each step must accept what the one before returns; the first of them, `First`. */
export type Linked<First, S extends List, H extends List = Heads<First, S>> = { [K in keyof S]: K extends keyof H ? Signature<[H[K]], unknown> : never };
export type Heads<First, S extends List> = S extends readonly [...infer H, unknown] ? [First, ...{ [K in keyof H]: ResultOf<H[K]> }] : never;
export type LastResult<First, S extends List> = S extends readonly [...unknown[], infer L] ? ResultOf<L> : First;

/** What a signature by name may hold. */
export interface SignatureInit<A extends List> {
  readonly args?: A;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly options?: ApplyOptions;
  readonly immutable?: boolean;
}
