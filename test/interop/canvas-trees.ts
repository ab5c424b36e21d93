import { signature } from '../../src/canvas/by-name.ts';
import { chain } from '../../src/canvas/chain.ts';
import { chord } from '../../src/canvas/chord.ts';
import { group } from '../../src/canvas/group.ts';
import type { StampingVisitor } from '../../src/canvas/signature.ts';
import type { Json } from '../../src/protocol/json.ts';
import type { SignatureData } from '../../src/protocol/signature.ts';

/** A workflow written down so that both languages can build it: `python/canvas_messages.py` reads the same. */
export type Tree = (
  | { readonly k: 'task'; readonly name: 'add' | 'tsum'; readonly args: readonly number[]; readonly immutable?: boolean }
  | { readonly k: 'chain' | 'group'; readonly of: readonly Tree[] }
  | { readonly k: 'chord'; readonly of: readonly Tree[]; readonly body: Tree }
  | { readonly k: 'pipe'; readonly left: Tree; readonly right: Tree }
) & {
  readonly set?: { readonly queue: string };
  readonly link?: Tree;
  readonly errback?: Tree;
  readonly stamps?: readonly Stamping[];
};
export interface Stamping {
  readonly with?: Readonly<Record<string, Json>>;
  readonly append?: boolean;
  readonly visitor?: Readonly<Partial<Record<'signature' | 'group' | 'chain' | 'header' | 'body' | 'callback' | 'errback', Readonly<Record<string, Json>>>>>;
}

/** The public types know what fits what; here only the data matters. */
export interface Call {
  set(options: object): Call;
  link(call: Call): Call;
  linkError(call: Call): Call;
  pipe(call: Call): Call;
  stamp(stamps: object, options?: object): Call;
  toJSON(): SignatureData;
}
const free = { chain, group, chord, signature } as unknown as {
  chain(...calls: readonly Call[]): Call;
  group(calls: readonly Call[]): Call;
  chord(header: readonly Call[], body: Call): Call;
  signature(name: string, call: object): Call;
};

export function built(tree: Tree): Call {
  let made = bare(tree);
  if (tree.set !== undefined) made = made.set(tree.set);
  if (tree.link !== undefined) made = made.link(built(tree.link));
  if (tree.errback !== undefined) made = made.linkError(built(tree.errback));
  for (const { with: stamps, append, visitor } of tree.stamps ?? []) {
    const options = append === undefined ? {} : { append };
    made =
      visitor === undefined ? made.stamp(stamps ?? {}, options) : made.stamp(visitorOf(visitor), { ...options, ...(stamps === undefined ? {} : { stamps }) });
  }
  return made;
}

function visitorOf(hooks: NonNullable<Stamping['visitor']>): StampingVisitor {
  const hook = (name: keyof typeof hooks) => (hooks[name] === undefined ? undefined : () => hooks[name]!);
  const visitor = {
    onSignature: () => hooks.signature ?? {},
    onGroupStart: hook('group'),
    onChainStart: hook('chain'),
    onChordHeaderStart: hook('header'),
    onChordBody: hook('body'),
    onCallback: hook('callback'),
    onErrback: hook('errback'),
  };
  return Object.fromEntries(Object.entries(visitor).filter(([, method]) => method !== undefined)) as unknown as StampingVisitor;
}

function bare(tree: Tree): Call {
  switch (tree.k) {
    case 'task':
      return free.signature(`proj.${tree.name}`, { args: tree.args, immutable: tree.immutable ?? false });
    case 'chain':
      return free.chain(...tree.of.map(built));
    case 'group':
      return free.group(tree.of.map(built));
    case 'chord':
      return free.chord(tree.of.map(built), built(tree.body));
    case 'pipe':
      return built(tree.left).pipe(built(tree.right));
  }
}

/** Reproducible: mulberry32. */
function random(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A workflow of some steps, groups and chords in one another. */
export function randomTree(seed: number): Tree {
  const next = random(seed);
  const below = (bound: number): number => Math.floor(next() * bound);
  let tasks = 0;
  const task = (): Tree => ({
    k: 'task',
    name: below(2) === 0 ? 'add' : 'tsum',
    args: below(2) === 0 ? [] : [++tasks],
    ...(below(8) === 0 ? { immutable: true } : {}),
  });
  const some = (depth: number, least: number): Tree[] => Array.from({ length: least + below(3) }, () => tree(depth - 1));
  const tree = (depth: number): Tree => {
    if (depth === 0) return task();
    switch (below(7)) {
      case 0:
      case 1:
        return { k: 'chain', of: some(depth, 1) };
      case 2:
        return { k: 'group', of: some(depth, 1) };
      case 3:
      case 4:
        return { k: 'chord', of: some(depth, 1), body: tree(depth - 1) };
      case 5:
        return { k: 'pipe', left: tree(depth - 1), right: tree(depth - 1) };
      default:
        return task();
    }
  };
  return tree(2);
}
