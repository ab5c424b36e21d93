// Random workflows as data, which producers of both languages build with their own words. The same seed gives the same trees.

/** Names a task that the caller can wait for: results are compared by it, whatever id it has in a run. */
export type Tag = string;
/** `told` is for errbacks: of one argument, so that Celery sends it instead of calling it in the worker. */
export type Task = 'node' | 'fail' | 'flaky' | 'give_up' | 'nothing' | 'told';

interface Linked {
  readonly link?: readonly Call[];
  readonly errbacks?: readonly Call[];
}
export interface Call extends Linked {
  readonly kind: 'call';
  readonly tag: Tag;
  readonly task: Task;
  readonly args: readonly unknown[];
  readonly immutable?: boolean;
  /** How often `flaky` fails before it works. */
  readonly times?: number;
}
export interface Chain extends Linked {
  readonly kind: 'chain';
  /** Made by the constructor, or step by step by `|` (`pipe`). */
  readonly by: 'constructor' | 'pipe';
  readonly steps: readonly Tree[];
}
export interface Group {
  readonly kind: 'group';
  readonly members: readonly Tree[];
}
export interface Chord extends Linked {
  readonly kind: 'chord';
  readonly by: 'constructor' | 'pipe';
  readonly header: readonly Tree[];
  readonly body: Tree;
}
/** `map` and `starmap` over one task, `chunks` as a group of starmaps. */
export interface Rows {
  readonly kind: 'map' | 'starmap' | 'chunks';
  readonly tag: Tag;
  readonly rows: readonly unknown[];
  /** Rows in a chunk. */
  readonly size: number;
}
export type Tree = Call | Chain | Group | Chord | Rows;

/** A generator of numbers from 0 up to 1, by seed (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The tree of a seed: at most about 14 calls, nested up to four deep. */
export function treeOf(seed: number): Tree {
  const next = numbers(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  const chance = (part: number): boolean => next() < part;
  let tags = 0;
  let budget = 4 + below(11);
  const tag = (): Tag => `t${tags++}`;

  const value = (): unknown => [below(100), `v${below(10)}`, [below(3)], null, true][below(5)];
  const args = (): readonly unknown[] => Array.from({ length: below(3) }, value);
  // One that is ignored leaves Celery's chord waiting for ever, so only links are.
  const task = (mayBeIgnored: boolean): Pick<Call, 'task' | 'times'> => {
    const die = below(100);
    if (die < 76) return { task: 'node' };
    if (die < 84) return { task: 'flaky', times: 1 + below(2) };
    if (die < 86) return { task: 'give_up' };
    if (die < 88 && mayBeIgnored) return { task: 'nothing' };
    return die < 95 ? { task: 'fail' } : { task: 'node' };
  };
  const links = (): Linked => ({
    ...(chance(0.12) ? { link: Array.from({ length: 1 + below(2) }, () => call(true)) } : {}),
    ...(chance(0.15) ? { errbacks: [{ kind: 'call', tag: tag(), task: 'told', args: [], ...(chance(0.3) ? { immutable: true } : {}) } as Call] } : {}),
  });
  const call = (isLink: boolean): Call => {
    budget--;
    return {
      kind: 'call',
      tag: tag(),
      ...task(isLink),
      args: args(),
      ...(chance(0.15) ? { immutable: true } : {}),
      ...(isLink ? {} : links()),
    };
  };
  const rows = (): Rows => {
    budget--;
    const kind = (['map', 'starmap', 'chunks'] as const)[below(3)]!;
    const row = (): unknown => (kind === 'map' ? (chance(0.05) ? 13 : below(9)) : chance(0.05) ? [13, 1] : [below(9), below(9)]);
    return { kind, tag: tag(), rows: Array.from({ length: 1 + below(5) }, row), size: 1 + below(3) };
  };
  const several = (least: number, most: number, make: () => Tree): readonly Tree[] =>
    Array.from({ length: Math.max(least, Math.min(budget, least + below(most - least + 1))) }, make);
  const by = (): 'constructor' | 'pipe' => (chance(0.5) ? 'constructor' : 'pipe');

  /** Celery skips an empty group in a chain, but not one that `|` was told to go on from. */
  const full = (trees: readonly Tree[]): boolean => trees.every((each) => each.kind !== 'group' || each.members.length > 0);
  /** A group of one member that ends in a group is a list of lists with us, and the inner list with Celery (docs/guides/canvas.md): it gets a second member. */
  const typed = (members: readonly Tree[]): readonly Tree[] => (members.length === 1 && endsInGroup(members[0]!) ? [...members, call(false)] : members);
  const tree = (depth: number): Tree => {
    const die = depth >= 4 || budget <= 1 ? 0 : below(100);
    if (die < 34) return call(false);
    if (die < 42) return rows();
    if (die < 66) {
      // Celery forgets the links of a chain of one step inside another.
      const steps = plain(several(2, 4, () => tree(depth + 1)));
      return { kind: 'chain', by: full(steps) ? by() : 'constructor', steps, ...links() };
    }
    if (die < 84) return { kind: 'group', members: typed(several(chance(0.06) ? 0 : 1, 4, () => tree(depth + 1))) };
    const header = typed(several(chance(0.04) ? 0 : 1, 4, () => tree(depth + 1)));
    const body = flat(tree(depth + 1));
    // A group without members takes no callbacks.
    return { kind: 'chord', by: header.length > 0 ? by() : 'constructor', header, body, ...(full([body]) ? links() : {}) };
  };
  const root = tree(0);
  // A call alone is what the interop table tries.
  if (root.kind !== 'call') return root;
  const steps = plain([root, tree(1), tree(1)]);
  return { kind: 'chain', by: full(steps) ? by() : 'constructor', steps };
}

function endsInGroup(tree: Tree): boolean {
  if (tree.kind === 'chain') return endsInGroup(tree.steps.at(-1)!);
  return tree.kind === 'chord' ? endsInGroup(tree.body) : tree.kind === 'group' || tree.kind === 'chunks';
}

/** Steps without what Celery turns into something that nobody wrote. */
const plain = (steps: readonly Tree[]): readonly Tree[] =>
  steps.map((step, index) => {
    const asBody = index > 0 && steps[index - 1]!.kind !== 'call' ? flat(step) : step;
    return index < steps.length - 1 ? withoutLateLinks(asBody) : asBody;
  });

/** Celery turns the members of a group in a group round where the outer one is the body of a chord; with us they stay in order, so no such body is made. */
function flat(body: Tree): Tree {
  if (body.kind === 'chunks') return { ...body, kind: 'starmap' };
  if (body.kind !== 'group') return body;
  return { ...body, members: body.members.flatMap((each) => (each.kind === 'group' ? (flat(each) as Group).members : [flat(each)])) };
}

/** Celery moves the links of a chord whose body is a chain behind the steps that follow; with us they stay where they were written, so none is made there. */
function withoutLateLinks(step: Tree): Tree {
  if ((step.kind !== 'chain' && step.kind !== 'chord') || !/"(group|chord|chunks)"/.test(JSON.stringify(step))) return step;
  const { link: _, ...rest } = step;
  return rest;
}

/** Every call with a tag, wherever it stands. */
export function taggedOf(tree: Tree): readonly (Call | Rows)[] {
  const linked = (of: Linked): readonly (Call | Rows)[] => [...(of.link ?? []), ...(of.errbacks ?? [])].flatMap(taggedOf);
  switch (tree.kind) {
    case 'call':
      return [tree, ...linked(tree)];
    case 'chain':
      return [...tree.steps.flatMap(taggedOf), ...linked(tree)];
    case 'group':
      return tree.members.flatMap(taggedOf);
    case 'chord':
      return [...tree.header, tree.body].flatMap(taggedOf).concat(linked(tree));
    default:
      return [tree];
  }
}

/** Tags that may be started by the last part of a chord's header, whichever that is: bodies, and steps after anything but a plain call. */
export function bodyStarts(tree: Tree): ReadonlySet<Tag> {
  const starts = (of: Tree): readonly Tag[] => {
    if (of.kind === 'chain') return of.steps.slice(0, 1).flatMap(starts);
    if (of.kind === 'group') return of.members.flatMap(starts);
    return of.kind === 'chord' ? of.header.flatMap(starts) : [of.tag];
  };
  const found = (of: Tree): readonly Tag[] => {
    if (of.kind === 'chain') {
      const afterParallel = of.steps.flatMap((step, index) => (index > 0 && of.steps[index - 1]!.kind !== 'call' ? starts(step) : []));
      return [...of.steps.flatMap(found), ...afterParallel];
    }
    if (of.kind === 'group') return of.members.flatMap(found);
    return of.kind === 'chord' ? [...of.header.flatMap(found), ...found(of.body), ...starts(of.body)] : [];
  };
  return new Set(found(tree));
}

/** Trees that are a little smaller, the smallest first: to find what of a failing one matters. */
export function* smaller(tree: Tree): Generator<Tree, void, void> {
  const parts = partsOf(tree);
  yield* parts;
  const { link, errbacks, ...bare } = tree as Call;
  if (link !== undefined) yield { ...bare, ...(errbacks && { errbacks }) };
  if (errbacks !== undefined) yield { ...bare, ...(link && { link }) };
  if (tree.kind === 'call') {
    const { times: _, ...plain } = tree;
    if (tree.task !== 'node') yield { ...plain, task: 'node' };
    if (tree.immutable === true) yield { ...tree, immutable: false };
    if (tree.args.length > 0) yield { ...tree, args: [] };
  }
  if (tree.kind === 'chain' || tree.kind === 'chord') if (tree.by === 'pipe') yield { ...tree, by: 'constructor' };
  if (tree.kind === 'chain') for (const steps of listsSmaller(tree.steps)) if (steps.length > 1) yield { ...tree, steps };
  if (tree.kind === 'group') for (const members of listsSmaller(tree.members)) yield { ...tree, members };
  if (tree.kind === 'chord') {
    for (const header of listsSmaller(tree.header)) yield { ...tree, header };
    for (const body of smaller(tree.body)) yield { ...tree, body };
  }
  if ((tree.kind === 'map' || tree.kind === 'starmap' || tree.kind === 'chunks') && tree.rows.length > 1) yield { ...tree, rows: tree.rows.slice(0, 1) };
}

function* listsSmaller(list: readonly Tree[]): Generator<readonly Tree[], void, void> {
  if (list.length > 1) for (const index of list.keys()) yield list.toSpliced(index, 1);
  for (const [index, item] of list.entries()) for (const other of smaller(item)) yield list.with(index, other);
}

function partsOf(tree: Tree): readonly Tree[] {
  if (tree.kind === 'chain') return tree.steps;
  if (tree.kind === 'group') return tree.members;
  return tree.kind === 'chord' ? [...tree.header, tree.body] : [];
}

/** A tree as one reads it. */
export function show(tree: Tree): string {
  const linked = (of: Linked): string =>
    `${of.link === undefined ? '' : `.link(${of.link.map(show).join(', ')})`}${of.errbacks === undefined ? '' : `.onError(${of.errbacks.map(show).join(', ')})`}`;
  switch (tree.kind) {
    case 'call':
      return `${tree.tag}:${tree.task}${tree.times ?? ''}${tree.immutable === true ? '!' : ''}(${tree.args.map((arg) => JSON.stringify(arg)).join(', ')})${linked(tree)}`;
    case 'chain':
      return `${tree.by === 'pipe' ? `(${tree.steps.map(show).join(' | ')})` : `chain(${tree.steps.map(show).join(', ')})`}${linked(tree)}`;
    case 'group':
      return `group(${tree.members.map(show).join(', ')})`;
    case 'chord':
      return tree.by === 'pipe'
        ? `(group(${tree.header.map(show).join(', ')}) | ${show(tree.body)})${linked(tree)}`
        : `chord([${tree.header.map(show).join(', ')}], ${show(tree.body)})${linked(tree)}`;
    default:
      return `${tree.tag}:${tree.kind}(${JSON.stringify(tree.rows)}${tree.kind === 'chunks' ? `, ${tree.size}` : ''})`;
  }
}
