/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { readSignature, signatureData } from '../protocol/signature.ts';
import type { Value } from '../protocol/json.ts';
import { CallSignature } from './call-signature.ts';
import type { Caller } from './caller.ts';
import { expanded, registerKind } from './kinds.ts';
import type { Missing } from './partial.ts';
import type { Received } from './sendable.ts';
import type { AnySignature, Signature as CallType, SignatureData, SignatureInit } from './signature.ts';
import { wireOptions } from './wire-options.ts';

/** A signature by name. With a function type, checked; `signature<(x: number) => string>('proj.f', { args: [1] })`. */
export function signature<F extends (...args: never[]) => unknown = (...args: any[]) => any>(
  name: string,
  call?: SignatureInit<Parameters<F>>,
): CallType<Missing<Parameters<F>, []>, Received<ReturnType<F>>>;
export function signature(name: string, call: SignatureInit<any> = {}): CallType<any, any> {
  return signatureOf(undefined, name, call);
}

/** The same, belonging to an app. */
export function signatureOf(caller: Caller | undefined, name: string, call: SignatureInit<any>): CallType<any, any> {
  const { args = [], kwargs = {}, options = {}, immutable = false } = call;
  const data = signatureData({ task: name, args: args as readonly Value[], kwargs: kwargs as Record<string, Value>, options: wireOptions(options), immutable });
  return new CallSignature(data, caller) as unknown as CallType<any, any>;
}

/** What `toJSON` wrote, here or in Python, as a signature again; it is started by the app of what it is combined with. */
export function signatureFrom(json: unknown, caller?: Caller): CallType<any[], unknown> {
  return new CallSignature(expanded(readSignature(json as Value)), caller) as unknown as CallType<any[], unknown>;
}

export const Signature = {
  /** Revives what `toJSON` wrote, here or in Python. In a task its app sends it; elsewhere it must be combined with a signature of an app. */
  from: (json: unknown): CallType<any[], unknown> => signatureFrom(json),
  /** A kind of your own: what arrives under this `subtask_type` becomes the signature that `revive` makes of it. Throws TypeError for the kinds of Celery's own canvas. */
  register: (subtaskType: string, revive: (data: SignatureData) => AnySignature): void => registerKind(subtaskType, revive as never),
} as const;
export type Signature<M extends readonly unknown[], R> = CallType<M, R>;
