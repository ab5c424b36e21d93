// Signatures of trees, by the words of one package: of the sources, or of the built one.
import type { ApplyOptions } from '../../src/canvas/call-options.ts';
import type { AnySignature, SignatureInit } from '../../src/canvas/signature.ts';
import type { Call, Tag, Tree } from './trees.ts';

/** What a tree is built of: the words of a package, as far as trees use them. Which arguments a step still wants is a matter of the tree, not of types. */
export interface Words {
  readonly app: { signature(name: string, call: SignatureInit<unknown[]>): AnySignature };
  /** Tasks of one argument and of two, for `map` and its like. */
  readonly one: { map(rows: Iterable<never>): AnySignature };
  readonly two: { starmap(rows: Iterable<never>): AnySignature; chunks(rows: Iterable<never>, size: number): AnySignature };
  chain(...steps: readonly AnySignature[]): AnySignature;
  chord(header: readonly AnySignature[], body: AnySignature): AnySignature;
  group(members: readonly AnySignature[]): AnySignature;
}
interface Named {
  /** The id of a task, where it is known before. */
  readonly ids?: Readonly<Record<Tag, string>>;
  /** What its tasks write their runs under. */
  readonly run?: string;
  /** Hears of every `left | right`. */
  readonly onJoin?: (left: AnySignature, right: AnySignature) => void;
}

export function build(tree: Tree, words: Words, named: Named = {}): AnySignature {
  const of = (trees: readonly Tree[]): readonly AnySignature[] => trees.map((each) => build(each, words, named));
  const own = (tag: Tag): ApplyOptions => (named.ids === undefined ? {} : { taskId: named.ids[tag]! });
  const pipe = (left: AnySignature, right: AnySignature): AnySignature => {
    named.onJoin?.(left, right);
    return left.pipe(right);
  };
  const linked = (signature: AnySignature, { link = [], errbacks = [] }: Pick<Call, 'link' | 'errbacks'>): AnySignature =>
    of(errbacks).reduce(
      (so, each) => so.linkError(each),
      of(link).reduce((so, each) => so.link(each), signature),
    );
  switch (tree.kind) {
    case 'call': {
      const { tag, task, args, times, immutable = false } = tree;
      const kwargs = { tag, ...(named.run !== undefined && { run: named.run }), ...(times !== undefined && { times }) };
      return linked(words.app.signature(`diff.${task}`, { args: [...args], kwargs, options: own(tag), immutable }), tree);
    }
    case 'chain':
      return linked(tree.by === 'pipe' ? of(tree.steps).reduce(pipe) : words.chain(...of(tree.steps)), tree);
    case 'group':
      return words.group(of(tree.members));
    case 'chord': {
      const [header, body] = [of(tree.header), build(tree.body, words, named)];
      return linked(tree.by === 'pipe' ? pipe(words.group(header), body) : words.chord(header, body), tree);
    }
    case 'map':
      return words.one.map(tree.rows as never[]).set(own(tree.tag));
    case 'starmap':
      return words.two.starmap(tree.rows as never[]).set(own(tree.tag));
    case 'chunks':
      return words.two.chunks(tree.rows as never[], tree.size);
  }
}
