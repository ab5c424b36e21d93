import type { ChordPart } from '../backends/backend.ts';
import { ChordError } from '../errors.ts';
import { encodedText } from '../protocol/json-text.ts';
import type { Encoded, Json } from '../protocol/json.ts';
import type { ExecutionEnv } from './env.ts';

/** Celery's default of `resultChordJoinTimeout`. */
const JOIN_TIMEOUT_MS = 3_000;

type JoinEnv = Pick<ExecutionEnv, 'backend' | 'clock' | 'chordJoinTimeoutMs'>;

/**
 * The list that a chord's body gets, in header order. A header of plain tasks is in the parts already; one with groups or chords in it was
 * saved as a tree, and its values are read from the results.
 */
export async function joinGroup(groupId: string, parts: readonly ChordPart[], env: JoinEnv): Promise<Encoded> {
  const tree = await env.backend.loadGroup(groupId);
  if (tree === undefined) return encodedText(listText(parts.map((part) => part.result.json)));
  const members = membersOf(tree);
  const values = await resultsOf(members.flatMap(idsOf), env);
  return encodedText(listText(members.map((member) => textOf(member, values))));
}

const listText = (items: readonly string[]): string => `[${items.join(',')}]`;

/** Result tuples: `[[id, parent], null]` is a task, `[[id, parent], [...]]` a group. A bare id is a task too. */
const membersOf = (tree: Json): readonly Json[] => (Array.isArray(tree) && Array.isArray(tree[1]) ? (tree[1] as readonly Json[]) : []);
const isGroup = (tuple: Json): boolean => Array.isArray(tuple) && Array.isArray(tuple[1]);

function idOf(tuple: Json): string {
  const head: Json | undefined = Array.isArray(tuple) ? (tuple as readonly Json[])[0] : tuple;
  return String(Array.isArray(head) ? (head as readonly Json[])[0] : head);
}

/** The ids of all tasks in a result tuple. */
export const idsOf = (tuple: Json): readonly string[] => (isGroup(tuple) ? membersOf(tuple).flatMap(idsOf) : [idOf(tuple)]);

const textOf = (tuple: Json, values: ReadonlyMap<string, Encoded>): string =>
  isGroup(tuple) ? listText(membersOf(tuple).map((member) => textOf(member, values))) : values.get(idOf(tuple))!.json;

async function resultsOf(ids: readonly string[], { backend, clock, chordJoinTimeoutMs = JOIN_TIMEOUT_MS }: JoinEnv): Promise<ReadonlyMap<string, Encoded>> {
  const found = new Map<string, Encoded>();
  const patience = new AbortController();
  const timer = clock.schedule(chordJoinTimeoutMs, () => patience.abort(new ChordError('the results of the header are not all there')));
  try {
    for await (const meta of backend.watch(ids, { states: 'final', signal: patience.signal })) {
      if (meta.status !== 'SUCCESS') throw new ChordError(`Dependency ${meta.task_id} raised ${JSON.stringify(meta.result.json)}`);
      found.set(meta.task_id, meta.result);
      if (found.size === new Set(ids).size) break;
    }
  } finally {
    timer[Symbol.dispose]();
  }
  const missing = ids.find((id) => !found.has(id));
  if (missing !== undefined) throw new ChordError(`the result of ${missing}, a part of the header, is not there`);
  return found;
}
