import type { Dispatch } from '../execution/host.ts';
import type { Outcome } from '../execution/outcome.ts';
import type { Level } from '../kernel/logger.ts';
import { decodeJson, encodedText, encodeJson } from '../protocol/json-text.ts';
import type { JsonObject, Value } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { PackedMessage } from './packed-message.ts';

/*
 * What a pool and its children say to each other: plain JSON, in batches, over the channel of a child process or a thread.
 * Nothing overtakes within a direction: a task's calls reach the parent before its outcome does.
 */

/** From the pool to a child. */
export type ToChild =
  /** `seq` counts this child's jobs from 1. `isAlone`: what came before must be on its way to the parent before this one begins. */
  | { readonly kind: 'job'; readonly seq: number; readonly isAlone: boolean; readonly message: PackedMessage }
  /** Aborts a running job; one that has not begun is handed back. */
  | { readonly kind: 'cancel'; readonly seq: number; readonly reason: PackedReason }
  | { readonly kind: 'after'; readonly call: number; readonly seq: number; readonly message: PackedMessage; readonly outcome: Outcome }
  | { readonly kind: 'answer'; readonly call: number; readonly error?: string }
  /** Hand back what has not begun. */
  | { readonly kind: 'recall' }
  /** The same, and end when nothing runs. */
  | { readonly kind: 'stop' };

/** From a child to the pool. */
export type FromChild =
  | { readonly kind: 'ready'; readonly pid: number }
  /** The app could not be loaded. */
  | { readonly kind: 'broken'; readonly error: string }
  | { readonly kind: 'started'; readonly seq: number; readonly atMs: number }
  | { readonly kind: 'ended'; readonly seq: number; readonly atMs: number; readonly outcome: Outcome }
  | { readonly kind: 'returned'; readonly seq: number }
  | ({ readonly kind: 'call'; readonly call: number } & HostCall)
  | { readonly kind: 'emit'; readonly type: string; readonly fields: JsonObject }
  | { readonly kind: 'after'; readonly call: number }
  | { readonly kind: 'memory'; readonly kb: number }
  | { readonly kind: 'log'; readonly level: Lowercase<Level>; readonly message: string; readonly data: JsonObject | null };

/** Calls carry values of users, so they travel as kombu's typed JSON: dates and bytes stay what they are. */
export type HostCall =
  | { readonly name: 'dispatch'; readonly json: string }
  | { readonly name: 'saveState'; readonly json: string; readonly replyTo: string | undefined }
  | { readonly name: 'growChord'; readonly groupId: string; readonly by: number };

export interface PackedReason {
  readonly name: string;
  readonly message: string;
}

/** Throws EncodeError where a stamp or argument cannot travel. */
export const packDispatch = (dispatch: Dispatch): string => encodeJson(dispatch as unknown as Value);
export const unpackDispatch = (json: string): Dispatch => decodeJson(json) as unknown as Dispatch;

export const packMeta = (meta: ResultMeta): string => encodeJson({ ...meta, result: meta.result.json } as unknown as Value);

export function unpackMeta(json: string): ResultMeta {
  const { result, ...rest } = decodeJson(json) as unknown as Omit<ResultMeta, 'result'> & { readonly result: string };
  return { ...rest, result: encodedText(result) };
}
