// What came of a tree, with the ids of a run replaced by the tags of its tasks, so that two runs can be compared.
import type { Redis } from 'ioredis';
import { isRepeated } from './shapes.ts';
import { bodyStarts, isTurned, rivalsOf, taggedOf, type Tag, type Tree } from './trees.ts';

type Ids = Readonly<Record<Tag, string>>;

export interface Outcome {
  /** The handle that the producer got: a tuple of ids; or why it refused. */
  readonly handle: unknown;
  /** What a caller sees of the handle when all has ended. */
  readonly view: unknown;
  /** What is stored, by tag. */
  readonly metas: Readonly<Record<Tag, unknown>>;
  /** Runs, with their arguments. */
  readonly runs: readonly string[];
  /** Celery starts a step of it more than once: see `isRepeated`. */
  readonly repeats: boolean;
  /** Of which failures any may be told: see `rivalsOf`. */
  readonly rivals: readonly (readonly Tag[])[];
}

export interface Sent {
  readonly run: string;
  readonly ids: Ids;
  readonly answer: { readonly tuple?: unknown; readonly refused?: string; readonly why?: string };
}

type Meta = Readonly<Record<string, any>>;
const FINAL = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);

/** How many runs there were; and which tags have ended, looked at only when there were `wanted` of them, as results are much to read. */
export async function progressOf(redis: Redis, sent: Sent, wanted: number): Promise<{ readonly ended: ReadonlySet<Tag>; readonly runs: number }> {
  const runs = await redis.llen(`runs:${sent.run}`);
  if (runs < wanted) return { ended: new Set(), runs };
  const metas = await metasOf(redis, Object.values(sent.ids));
  const ended = Object.entries(sent.ids).filter(([, id]) => FINAL.has(metas.get(id)?.['status'] as string));
  return { ended: new Set(ended.map(([tag]) => tag)), runs };
}

async function metasOf(redis: Redis, ids: readonly string[]): Promise<Map<string, Meta>> {
  if (ids.length === 0) return new Map();
  const texts = await redis.mget(ids.map((id) => `celery-task-meta-${id}`));
  return new Map(texts.flatMap((text, index) => (text === null ? [] : [[ids[index]!, JSON.parse(text) as Meta] as const])));
}

export async function outcomeOf(redis: Redis, tree: Tree, sent: Sent, view: unknown): Promise<Outcome> {
  const bodies = bodyStarts(tree);
  const metas = await metasOf(redis, Object.values(sent.ids));
  // Ids that nobody gave, of chunks and of groups: those of tasks have results too.
  const seen = new Set([...Object.values(sent.ids)]);
  for (let more = idsIn([sent.answer.tuple, ...metas.values()]).filter((id) => !seen.has(id)); more.length > 0;) {
    for (const id of more) seen.add(id);
    const found = await metasOf(redis, more);
    for (const [id, meta] of found) metas.set(id, meta);
    more = idsIn([...found.values()]).filter((id) => !seen.has(id));
  }
  const runs = await redis.lrange(`runs:${sent.run}`, 0, -1);
  // Tasks whose ids nobody gave are the parts of chunks: what they gave tells them apart. A group's id may hold the failure that ended it, ours more often than Celery's.
  const others = [...metas].filter(([id, meta]) => !Object.values(sent.ids).includes(id) && meta['name'] === 'celery.starmap');
  const unparted = namer(sent.ids, new Map());
  const named = namer(sent.ids, new Map(others.map(([id, meta]) => [id, `part ${JSON.stringify(unparted(meta['result']))}`])));
  const ran = new Set(runs.map((line) => String((JSON.parse(line) as [string])[0]).split(' ')[0]!));
  const groups = groupsOf([...metas.values()], sent.ids, ran);
  const told: Record<Tag, unknown> = {};
  for (const [tag, id] of Object.entries(sent.ids)) if (metas.has(id)) told[tag] = named(comparable(metas.get(id)!, tag, bodies, sent.ids, groups));
  // Which of the parts of several chunks belong to which cannot be seen.
  const chunks = taggedOf(tree).find(({ kind, tag }) => kind === 'chunks' && bodies.has(tag))?.tag ?? '';
  for (const [id, meta] of others) told[String(named(id))] = named(comparable(meta, chunks, bodies, sent.ids, groups));
  const handle = named(sent.answer.refused === undefined ? sent.answer.tuple : 'refused');
  const read = runs.map((line) => named(JSON.parse(line)));
  const outcome = { handle, view: named(firstOfMany(view)), metas: told, runs: read };
  // With us they stay in order (docs/guides/canvas.md): of such trees all is compared but the order in lists.
  const { runs: lines, ...rest } = isTurned(tree) ? (unordered(outcome) as typeof outcome) : outcome;
  const known = { repeats: isRepeated(tree), rivals: rivalsOf(tree).map((tags) => [...tags]) };
  return { ...rest, ...known, runs: lines.map((line) => JSON.stringify(line)).toSorted() };
}

/** The same with every list sorted, however deep. A line of a run stays what it is: its tag, then its arguments. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(unordered);
    return typeof items[0] === 'string' && items.length === 2 ? items : items.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unordered(item)]));
}

/** What `map` and `starmap` fail with themselves: they leave no line among the runs. */
export const UNLUCKY = 'unlucky';

/** For each id of a group, the tags of its members that ran: the id itself says nothing, as Celery's worker gives nested headers new ones, and ours keeps the handle's. */
function groupsOf(metas: readonly Meta[], ids: Ids, ran: ReadonlySet<Tag>): ReadonlyMap<string, readonly Tag[]> {
  const tags = new Map(Object.entries(ids).map(([tag, id]) => [id, tag]));
  const members = new Map<string, Tag[]>();
  for (const { group_id: group, task_id: id, result } of metas) {
    const tag = tags.get(id) ?? 'part';
    const hasRun = ran.has(tag) || result?.exc_type === undefined || String(result.exc_message) === UNLUCKY;
    if (typeof group === 'string' && hasRun) members.set(group, [...(members.get(group) ?? []), tag].toSorted());
  }
  return members;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const idsIn = (values: readonly unknown[]): readonly string[] => [...new Set(JSON.stringify(values).match(UUID) ?? [])];

/** Replaces ids by tags, those of parts of chunks by what they gave, and those of groups by one word: see groupsOf. */
function namer(ids: Ids, parts: ReadonlyMap<string, string>): (value: unknown) => unknown {
  const names = new Map(Object.entries(ids).map(([tag, id]) => [id, tag]));
  const nameOf = (id: string): string => names.get(id) ?? JSON.stringify(parts.get(id) ?? 'a group').slice(1, -1);
  return (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value).replaceAll(UUID, nameOf)));
}

/** Several links come in the order in which they were sent, and that is not promised. */
function sorted(children: readonly unknown[], ids: Ids): readonly unknown[] {
  const tags = new Map(Object.entries(ids).map(([tag, id]) => [id, tag]));
  const keyed = children.map((child) => [JSON.stringify(child).replaceAll(UUID, (id) => tags.get(id) ?? '?'), child] as const);
  return keyed.toSorted(([a], [b]) => a.localeCompare(b)).map(([, child]) => child);
}

/** The fields that must be the same whoever ran it. */
function comparable(meta: Meta, tag: Tag, bodies: ReadonlySet<Tag>, ids: Ids, groups: ReadonlyMap<string, readonly Tag[]>): unknown {
  const error = meta['result']?.exc_type === undefined ? undefined : { type: meta['result'].exc_type, message: meta['result'].exc_message };
  return {
    status: meta['status'],
    ...(error === undefined ? { result: meta['result'] } : { error }),
    traceback: typeof meta['traceback'] === 'string' && meta['traceback'] !== '',
    children: sorted(meta['children'] ?? [], ids),
    parent: bodies.has(tag) && meta['parent_id'] !== null ? 'whichever ended last' : (meta['parent_id'] ?? null),
    ...(typeof meta['name'] === 'string' && {
      group: groups.get(meta['group_id']) ?? null,
      name: meta['name'],
      args: meta['args'] ?? null,
      retries: meta['retries'] ?? null,
    }),
    dated: typeof meta['date_done'] === 'string',
  };
}

/** Where several members of a group failed, the one that is raised is the one that came first. */
function firstOfMany(view: unknown): unknown {
  const { value, raised } = (view ?? {}) as { readonly value?: unknown; readonly raised?: unknown };
  const failures = Array.isArray(value) ? value.filter((each) => (each as { error?: unknown } | null)?.error !== undefined).length : 0;
  // Celery throws the first error of any step before, we what ended this one: the same failure either way.
  const hasFailed = failures > 1 || (value as { error?: unknown } | null)?.error !== undefined;
  return hasFailed && Array.isArray(raised) && raised[0] === 'raised' ? { ...(view as object), raised: 'an error' } : view;
}
