import type { Decimal, Json, Uuid } from '../protocol/json.ts';

export type List = readonly unknown[];

/** A value a message cannot carry, and why. It appears in compile errors only. */
export interface CannotBeSent<Reason extends string> {
  readonly '~reason': Reason;
}

/** JSON, plus what Celery's typed JSON carries: Date (datetime) and Uint8Array (bytes). */
type Atom = null | undefined | void | boolean | number | string | Date | Uint8Array | Uuid | Decimal;

/** `T` itself when it survives the wire, else `T` with the offending parts replaced by the reason. */
export type Sendable<T> = unknown extends T
  ? T
  : T extends Atom | Json
    ? T
    : T extends bigint
      ? CannotBeSent<'a bigint: send a string, or Decimal'>
      : T extends symbol | ((...args: never) => unknown)
        ? CannotBeSent<'a function or symbol'>
        : T extends ReadonlyMap<unknown, unknown>
          ? CannotBeSent<'a Map: use Object.fromEntries(map) or [...map]'>
          : T extends ReadonlySet<unknown>
            ? CannotBeSent<'a Set: use [...set]'>
            : T extends PromiseLike<unknown>
              ? CannotBeSent<'a promise: await it first'>
              : T extends RegExp | Error | URL
                ? CannotBeSent<'an object with hidden state: send its text'>
                : T extends object
                  ? { [K in keyof T]: Sendable<T[K]> }
                  : T;

/** What a task may return: also what says itself how it travels (signatures, results, your own classes); the caller receives what `toJSON` gives. */
export type Returnable<R> = R extends Date ? R : R extends { toJSON(): unknown } ? R : Sendable<R>;

/** What the caller gets for what the task returned: awaited, and `undefined` becomes `null` on the wire. */
export type Received<R> =
  Awaited<R> extends infer V ? (V extends undefined | void ? null : V extends Date ? V : V extends { toJSON(): infer J } ? J : V) : never;
