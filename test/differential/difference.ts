// Where this pair and Celery's own two come to different ends, and the smallest tree that shows it.
import { UNLUCKY, type Outcome } from './outcome.ts';
import type { Language, Rig } from './rig.ts';
import { smaller, type Tree } from './trees.ts';

type Fields = Readonly<Record<string, any>>;

export interface Road {
  readonly from: Language;
  readonly to: Language;
}

/**
 * Whether there is something to compare: what Celery leaves without an end must end in our worker, in an error; but for handles of Python's that name ids which
 * none of its messages carries (a chord that is a member of a body): no worker can end those. What Celery starts several times ends in our worker too.
 */
export const isMeasure = (celery: Outcome, { from, to }: Road): boolean =>
  isOpen(celery.view) ? from === 'ts' && to === 'ts' : !celery.repeats || to === 'ts';

/** Where two outcomes are not the same: the path, what Celery has, and what this pair has. */
export function differences(celery: Outcome, here: Outcome, road: Road): readonly string[] {
  if (!isMeasure(celery, road)) return [];
  if (isOpen(celery.view) || celery.repeats)
    return isOpen(here.view) ? ['.view\n    Celery: no measure\n    here:   pending, where a definite end was expected'] : [];
  return compare(...alike(celery, here, road), '');
}

/** The two without that in which ours is knowingly the richer; the rest must be the same. */
function alike(celery: Outcome, here: Outcome, { to }: Road): [celery: Outcome, here: Outcome] {
  const [theirs, ours] = [{ ...celery.metas }, { ...here.metas }] as [Record<string, Fields>, Record<string, Fields>];
  const hasRun = new Set([...celery.runs, ...here.runs].map((line) => String((JSON.parse(line) as [string])[0]).split(' ')[0]));
  for (const tag of Object.keys(ours)) {
    const [there, own] = [theirs[tag]?.['status'], ours[tag]!['status']];
    // Celery's worker may store RETRY after another of its processes has stored how that retry ended. That it has run is among the runs.
    if (there !== own && (there === 'RETRY' || (to === 'py' && own === 'RETRY'))) for (const metas of [theirs, ours]) delete metas[tag];
  }
  const unheard = unheardIn(celery, here);
  for (const tag of unheard) delete ours[tag];
  for (const tag of Object.keys(ours)) {
    if (hasRun.has(tag) || ours[tag]!['status'] !== 'FAILURE' || hasFailedItself(ours[tag]!)) continue;
    // A task that never ran because one before it failed: Celery stores no result for some of them, and for others neither call nor traceback.
    const known = theirs[tag];
    if (known === undefined) delete ours[tag];
    else if (known['status'] === 'FAILURE') [theirs[tag], ours[tag]] = [endOf(known), endOf(ours[tag]!)];
  }
  const anyOf = rivals(celery, here);
  for (const metas of [theirs, ours]) for (const [tag, meta] of Object.entries(metas)) if (!hasRun.has(tag)) metas[tag] = anyOf(meta) as Fields;
  const view = (of: Outcome): unknown => anyOf(sameText(of.view));
  const handle = isShortened(celery.handle, here.handle) ? celery.handle : here.handle;
  // Parts of chunks have ids that nobody gave: under the shorter handle they cannot be found.
  if (JSON.stringify(celery.handle) !== JSON.stringify(here.handle) && handle === celery.handle) {
    for (const tag of Object.keys(ours)) if (tag.startsWith('part ') && theirs[tag] === undefined) delete ours[tag];
    for (const metas of [theirs, ours]) for (const [tag, meta] of Object.entries(metas)) metas[tag] = withoutParts(meta);
  }
  // Nobody gave them ids: of a header that is chunks only the part that ended last is found, as the parent of what follows. One lost would end nothing.
  const [others, own] = [partsBut(theirs, ours), partsBut(ours, theirs)];
  if (others.length === own.length) for (const metas of [theirs, ours]) for (const tag of [...others, ...own]) delete metas[tag];
  return [
    { ...celery, view: view(celery), metas: theirs },
    { ...here, view: view(here), metas: ours, handle, runs: here.runs.filter((line) => !unheard.has(tagOf(line))) },
  ];
}

/** `map` and `starmap` fail by themselves, too, and leave no line among the runs. */
const hasFailedItself = ({ name, error }: Fields): boolean => String(error?.message) === UNLUCKY && /^celery\.(?:star)?map$/.test(String(name));

/** Parts of chunks that went well and are found here but not there. */
const partsBut = (here: Readonly<Record<string, Fields>>, there: Readonly<Record<string, Fields>>): readonly string[] =>
  Object.keys(here).filter((tag) => tag.startsWith('part ') && here[tag]!['status'] === 'SUCCESS' && there[tag] === undefined);

const tagOf = (line: string): string => String((JSON.parse(line) as [string])[0]).split(' ')[0]!;

/** Errbacks of a task that can never run, for which Celery stores nothing and tells nobody (of a body that is a chord); ours fails it, and tells them. */
function unheardIn(celery: Outcome, here: Outcome): ReadonlySet<string> {
  const [theirs, ours] = [celery.metas, here.metas] as [Record<string, Fields>, Record<string, Fields>];
  const [ranThere, ranHere] = [celery, here].map(({ runs }) => new Set(runs.map(tagOf))) as [Set<string>, Set<string>];
  const isUnheard = (tag: string): boolean => {
    const failed = ours[tag]!['parent'] as string;
    return ours[tag]!['name'] === 'diff.told' && ours[failed]?.['status'] === 'FAILURE' && theirs[failed] === undefined && !ranHere.has(failed);
  };
  return new Set(Object.keys(ours).filter((tag) => theirs[tag] === undefined && !ranThere.has(tag) && isUnheard(tag)));
}

/** The same for each failure that a chord may tell as well as another; only of those that are failures on both sides. */
function rivals(celery: Outcome, here: Outcome): (value: unknown) => unknown {
  const hasFailed = (tag: string): boolean => [celery, here].every(({ metas }) => (metas[tag] as Fields | undefined)?.['status'] === 'FAILURE');
  const sets = celery.rivals.map((tags) => tags.filter(hasFailed));
  const groupOf = (named: string | undefined): string | undefined => {
    const [tags] = named === UNLUCKY ? sets : sets.filter((each) => each.includes(named!));
    return tags === undefined ? undefined : `one of ${tags.join()}`;
  };
  const anyOf = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(anyOf);
    if (!isPlain(value)) return value;
    const fields = value as Fields;
    const [type, told] = [fields['type'] ?? fields['error'], fields['message'] ?? fields['args']];
    const named = Array.isArray(told) ? (type === 'ValueError' ? String(told[0]) : /ValueError\(\\*'(\w+)\\*'\)/.exec(String(told[0]))?.[1]) : undefined;
    if (typeof type === 'string' && groupOf(named) !== undefined) return { any: groupOf(named) };
    return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, anyOf(item)]));
  };
  return sets.length === 0 ? (value) => value : anyOf;
}

const withoutParts = (meta: Fields): Fields => (Array.isArray(meta['group']) ? { ...meta, group: meta['group'].filter((tag) => tag !== 'part') } : meta);

const endOf = ({ status, error, dated }: Fields): Fields => ({ status, error: sameText(error), dated });

/** Celery says "Join error: E" where it meets the failure while it joins the header, and "Dependency T raised E" otherwise; we always the latter, which says more. */
const sameText = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(/Join error: |Dependency (?:part .*?|[\w-]+) raised /g, ''));

/** Celery's handle of a chord that begins or continues a chain leaves steps out between the body and its first header; ours has them all. */
function isShortened(celery: unknown, here: unknown): boolean {
  if (!Array.isArray(celery) || !Array.isArray(here) || celery.length !== 2 || here.length !== 2) return JSON.stringify(celery) === JSON.stringify(here);
  const [[id, parent], members] = celery as [[unknown, unknown], unknown];
  const [[ourId, ourParent], ourMembers] = here as [[unknown, unknown], unknown];
  if (id !== ourId || JSON.stringify(members) !== JSON.stringify(ourMembers)) return false;
  for (let step = ourParent as any; step !== null && step !== undefined; step = step[0][1]) if (isShortened(parent, step)) return true;
  return parent === null && ourParent === null;
}

const isOpen = (view: unknown): boolean => JSON.stringify((view as Fields | null)?.['value'] ?? null).includes('"pending"');

function compare(celery: unknown, here: unknown, path: string): readonly string[] {
  if (JSON.stringify(celery) === JSON.stringify(here)) return [];
  const [a, b] = [celery, here] as [Fields, Fields];
  if (isSameFailure(a, b)) return [];
  // Where the part that failed is a chord that failed, Celery sometimes tells what that one failed with, and we always that it is a ChordError.
  if (typeof celery === 'string' && here === `ChordError(${JSON.stringify(celery)})`) return [];
  // Celery's worker gives nested headers new ids, so that nothing is found under those of the handle: with us the parts of chunks are.
  if (celery === 'a group' && typeof here === 'string' && here.startsWith('part ')) return [];
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) return a.flatMap((item, index) => compare(item, b[index], `${path}.${index}`));
  if (isPlain(a) && isPlain(b)) return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => compare(a[key], b[key], `${path}.${key}`));
  return [`${path}\n    Celery: ${JSON.stringify(celery)}\n    here:   ${JSON.stringify(here)}`];
}

/** Members of a group that is a body get the failed part's own error in Celery where the header had groups in it, else the ChordError that quotes it, as always with us. */
function isSameFailure(celery: Fields, here: Fields): boolean {
  if (!isPlain(celery) || !isPlain(here) || (here['type'] ?? here['error']) !== 'ChordError') return false;
  const [type, args, [told]] = [celery['type'] ?? celery['error'], celery['message'] ?? celery['args'], here['message'] ?? here['args']];
  return typeof type === 'string' && Array.isArray(args) && told === `${type}(${args.map((arg) => `'${String(arg)}'`).join(', ')})`;
}

const isPlain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Pair extends Road {
  readonly celery: Rig;
  readonly rig: Rig;
}

/** Both outcomes of each tree. */
async function both(
  trees: readonly Tree[],
  { celery, rig, from, to }: Pair,
  patienceMs: number,
): Promise<readonly (readonly [celery: Outcome, here: Outcome])[]> {
  const expected = await celery.run(trees, 'py', 'py');
  const outcomes = await rig.run(trees, from, to, expected, patienceMs);
  return expected.map((one, index) => [one, outcomes[index]!] as const);
}

/** A tree whose difference shows again, by the smallest below it that was found in `searchMs` to show it too. `matters` picks the differences that are looked for. */
export async function smallest(
  tree: Tree,
  pair: Pair,
  matters: (difference: string) => boolean = () => true,
  searchMs = 60_000,
): Promise<{ readonly tree: Tree; readonly differences: readonly string[] } | undefined> {
  const found = async (trees: readonly Tree[], patienceMs: number): Promise<{ readonly tree: Tree; readonly differences: readonly string[] } | undefined> => {
    const outcomes = await both(trees, pair, patienceMs);
    const index = outcomes.findIndex(([celery, here]) => differences(celery, here, pair).some(matters));
    return index === -1 ? undefined : { tree: trees[index]!, differences: differences(...outcomes[index]!, pair) };
  };
  const end = performance.now() + searchMs;
  // Whether it fails at all is asked with the patience of the test itself.
  let best = await found([tree], 15_000);
  for (let at = 0; best !== undefined && performance.now() < end;) {
    const next = [...smaller(best.tree)].slice(at, at + 25);
    if (next.length === 0) return best;
    const below = await found(next, 4000);
    at = below === undefined ? at + next.length : 0;
    best = below ?? best;
  }
  return best;
}
