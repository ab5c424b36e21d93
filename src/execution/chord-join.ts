import type { ChordPart, ResultBackend } from '../backends/backend.ts';
import { ChordError } from '../errors.ts';
import { pythonRepr } from '../kernel/repr.ts';
import { encodedText } from '../protocol/json-text.ts';
import type { Encoded, Json } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { isFinal } from '../protocol/states.ts';
import type { ExecutionEnv } from './env.ts';

/** Celery's default of `resultChordJoinTimeout`. */
export const JOIN_TIMEOUT_MS = 3_000;
/** Results that one look asks for at a time. */
const AT_ONCE = 100;

type JoinEnv = Pick<ExecutionEnv, 'backend' | 'clock' | 'chordJoinTimeoutMs'>;

/** A chord whose header has been sent. */
export interface Chord {
  readonly groupId: string;
  readonly body: SignatureData;
}

/** How the results of a header stand: not all there yet, or what its chord ends in. */
export type HeaderLook =
  /** Some that have not ended; not all of them where there are many. */
  { readonly kind: 'waiting'; readonly missing: readonly string[] } | HeaderEnd;
export type HeaderEnd = { readonly kind: 'succeeded'; readonly results: Encoded } | { readonly kind: 'failed'; readonly message: string };

/**
 * The list that a chord's body gets, in header order. A header of plain tasks is in the parts already; one with groups or chords in it was
 * saved as a tree, and its values are read from the results.
 */
export async function joinGroup(groupId: string, parts: readonly ChordPart[], env: JoinEnv): Promise<Encoded> {
  const tree = await env.backend.loadGroup(groupId);
  if (tree === undefined) return encodedText(listText(parts.map((part) => part.result.json)));
  const header = await awaitHeader(membersOf(tree), env);
  if (header.kind === 'succeeded') return header.results;
  throw new ChordError(header.kind === 'failed' ? header.message : `the result of ${header.missing[0]}, a part of the header, is not there`);
}

/** The same of tuples alone, waiting for results that may be late for as long as `resultChordJoinTimeout` says. */
export async function awaitHeader(members: readonly Json[], env: JoinEnv): Promise<HeaderLook> {
  const { backend, clock, chordJoinTimeoutMs = JOIN_TIMEOUT_MS } = env;
  const until = clock.now() + chordJoinTimeoutMs;
  for (let waitMs = 10; ; waitMs = Math.min(500, waitMs * 1.5)) {
    const header = await lookAtHeader(members, backend);
    if (header.kind !== 'waiting' || clock.now() >= until) return header;
    await clock.sleep(Math.min(waitMs, until - clock.now()));
  }
}

/** Reads the results of a header, once. Whether a part failed is told when all have ended: the first in header order, as in Celery. */
export async function lookAtHeader(members: readonly Json[], backend: Pick<ResultBackend, 'load'>): Promise<HeaderLook> {
  const ids = members.flatMap(idsOf);
  const metas = new Map<string, ResultMeta>();
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE);
    for (const meta of await Promise.all(some.map((id) => backend.load(id)))) {
      if (meta !== undefined && isFinal(meta.status)) metas.set(meta.task_id, meta);
    }
    const missing = some.filter((id) => !metas.has(id));
    if (missing.length > 0) return { kind: 'waiting', missing };
  }
  const failed = ids.map((id) => metas.get(id)!).find(({ status }) => status !== 'SUCCESS');
  if (failed !== undefined) return { kind: 'failed', message: dependencyFailed(failed.task_id, failed.result) };
  return { kind: 'succeeded', results: encodedText(listText(members.map((member) => textOf(member, metas)))) };
}

/** What a chord says whose part failed, in Celery's words. */
export function dependencyFailed(id: string, result: Encoded): string {
  const error = result.value() as { readonly exc_type?: string; readonly exc_message?: Json } | null;
  const args = Array.isArray(error?.exc_message) ? (error.exc_message as readonly Json[]) : [error?.exc_message ?? ''];
  return `Dependency ${id} raised ${error?.exc_type ?? 'Exception'}(${args.map(shown).join(', ')})`;
}

/** Text that quotes something stands between the other quotes, as Python writes it: these messages are within one another. */
const shown = (arg: Json): string => (typeof arg === 'string' && arg.includes("'") && !arg.includes('"') ? `"${arg}"` : pythonRepr(arg));

const listText = (items: readonly string[]): string => `[${items.join(',')}]`;

/** Result tuples: `[[id, parent], null]` is a task, `[[id, parent], [...]]` a group. A bare id is a task too. */
export const membersOf = (tree: Json): readonly Json[] => (Array.isArray(tree) && Array.isArray(tree[1]) ? (tree[1] as readonly Json[]) : []);
const isGroup = (tuple: Json): boolean => Array.isArray(tuple) && Array.isArray(tuple[1]);

function idOf(tuple: Json): string {
  const head: Json | undefined = Array.isArray(tuple) ? (tuple as readonly Json[])[0] : tuple;
  return String(Array.isArray(head) ? (head as readonly Json[])[0] : head);
}

/** The ids of all tasks in a result tuple. */
export const idsOf = (tuple: Json): readonly string[] => (isGroup(tuple) ? membersOf(tuple).flatMap(idsOf) : [idOf(tuple)]);

const textOf = (tuple: Json, metas: ReadonlyMap<string, ResultMeta>): string =>
  isGroup(tuple) ? listText(membersOf(tuple).map((member) => textOf(member, metas))) : metas.get(idOf(tuple))!.result.json;
