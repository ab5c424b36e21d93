// Workflows as data, which producers of both languages build with their own words.

/** Names a task that the caller can wait for: results are compared by it, whatever id it has in a run. */
export type Tag = string;
/** `told` is for errbacks: of one argument, so that Celery sends it instead of calling it in the worker. */
export type Task = 'node' | 'fail' | 'flaky' | 'give_up' | 'nothing' | 'told';

export interface Linked {
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

/** Whether a group in a group stands where the outer one is the body of a chord: Celery turns the members of the inner one round there. */
export function isTurned(tree: Tree): boolean {
  const isNested = (body: Tree): boolean => body.kind === 'group' && body.members.some(({ kind }) => kind === 'group' || kind === 'chunks');
  if (tree.kind === 'chain') return tree.steps.some((step, index) => isTurned(step) || (index > 0 && tree.steps[index - 1]!.kind !== 'call' && isNested(step)));
  if (tree.kind === 'group') return tree.members.some(isTurned);
  return tree.kind === 'chord' && (isNested(tree.body) || [...tree.header, tree.body].some(isTurned));
}

/**
 * Those of whom a chord may tell any: where a member of its header ends in a group, the parts of that group are numbered from 0 too, so that the store has them
 * in one place with others, in the order of their ids, which are random. Sets of tags.
 */
export function rivalsOf(tree: Tree): readonly ReadonlySet<Tag>[] {
  const header = (members: readonly Tree[]): readonly ReadonlySet<Tag>[] => [
    ...(members.some((member) => member.kind !== 'group' && member.kind !== 'chunks' && endsInGroup(member))
      ? [new Set(members.flatMap(taggedOf).map(({ tag }) => tag))]
      : []),
    ...members.flatMap(rivalsOf),
  ];
  if (tree.kind === 'chain') {
    const isHeader = (index: number): boolean => index < tree.steps.length - 1;
    return tree.steps.flatMap((step, index) => (step.kind === 'group' && isHeader(index) ? header(step.members) : rivalsOf(step)));
  }
  if (tree.kind === 'group') return tree.members.flatMap(rivalsOf);
  return tree.kind === 'chord' ? [...header(tree.header), ...rivalsOf(tree.body)] : [];
}

/** Whether its result is that of a group. */
export function endsInGroup(tree: Tree): boolean {
  if (tree.kind === 'chain') return tree.steps.length > 0 && endsInGroup(tree.steps.at(-1)!);
  return tree.kind === 'chord' ? endsInGroup(tree.body) : tree.kind === 'group' || tree.kind === 'chunks';
}

/** Whether a group of these has one member, which ends in a group: an empty group beside it is none. */
export function isOnlyGroup(members: readonly Tree[]): boolean {
  const isEmpty = (tree: Tree): boolean => (tree.kind === 'group' ? tree.members.every(isEmpty) : tree.kind === 'chain' && tree.steps.length === 0);
  const full = members.filter((member) => !isEmpty(member));
  const [only, second] = full.length > 0 ? full : members;
  return only !== undefined && second === undefined && endsInGroup(only);
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
