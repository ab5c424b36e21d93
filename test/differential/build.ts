// Signatures of trees, by the words of one package: of the sources, or of the built one.
import type { Call, Tag, Tree } from './trees.ts';

export interface Words {
  readonly app: { signature(name: string, options: object): any };
  /** Tasks of one argument and of two, for `map` and its like. */
  readonly one: any;
  readonly two: any;
  readonly chain: any;
  readonly chord: any;
  readonly group: any;
}
interface Named {
  /** The id of a task, where it is known before. */
  readonly ids?: Readonly<Record<Tag, string>>;
  /** What its tasks write their runs under. */
  readonly run?: string;
  /** Hears of every `left | right`. */
  readonly onJoin?: (left: any, right: any) => void;
}

export function build(tree: Tree, words: Words, named: Named = {}): any {
  const of = (trees: readonly Tree[]): any[] => trees.map((each) => build(each, words, named));
  const own = (tag: Tag): object => (named.ids === undefined ? {} : { taskId: named.ids[tag]! });
  const pipe = (left: any, right: any): any => {
    named.onJoin?.(left, right);
    return left.pipe(right);
  };
  const linked = (signature: any, { link = [], errbacks = [] }: Pick<Call, 'link' | 'errbacks'>): any =>
    of(errbacks).reduce(
      (so, each) => so.linkError(each),
      of(link).reduce((so, each) => so.link(each), signature),
    );
  switch (tree.kind) {
    case 'call': {
      const { tag, task, args, times, immutable = false } = tree;
      const kwargs = { tag, ...(named.run !== undefined && { run: named.run }), ...(times !== undefined && { times }) };
      return linked(words.app.signature(`diff.${task}`, { args, kwargs, options: own(tag), immutable }), tree);
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
      return words.one.map(tree.rows).set(own(tree.tag));
    case 'starmap':
      return words.two.starmap(tree.rows).set(own(tree.tag));
    case 'chunks':
      return words.two.chunks(tree.rows, tree.size);
  }
}
