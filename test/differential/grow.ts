// Random trees by seed: the same seed gives the same tree.
import { endsInGroup, isOnlyGroup, type Call, type Linked, type Rows, type Tag, type Tree } from './trees.ts';

/** What `npm test` runs. */
export const CI_SEEDS = { first: 1, count: 20 } as const;

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

type Operand = 'task' | 'chain' | 'group' | 'one' | 'empty' | 'chord' | 'nothing' | 'map' | 'starmap' | 'chunks';
/** Seeds in turn begin with one of these, joined by `|`, so that every row of its table occurs within few seeds (shapes.ts); as many seeds after them grow freely. */
const JOINS: readonly (readonly Operand[])[] = [
  ['task', 'task', 'group', 'task'],
  ['task', 'chord', 'task'],
  ['task', 'chain', 'chain'],
  ['task', 'group', 'chord'],
  ['task', 'one', 'map'],
  ['chain', 'one', 'group', 'chain'],
  ['task', 'chord', 'chord'],
  ['task', 'chord', 'group'],
  ['group', 'task', 'chord'],
  ['group', 'chain', 'group'],
  ['group', 'group'],
  ['group', 'chord', 'one'],
  ['group', 'empty'],
  ['chord', 'task', 'starmap'],
  ['chord', 'chain'],
  ['nothing', 'group', 'task'],
  ['task', 'chunks', 'task'],
  ['chunks', 'starmap'],
];

/** The tree of a seed: at most about 14 calls, nested up to four deep. */
export function treeOf(seed: number): Tree {
  return new Grower(seed).root(JOINS[(seed - 1) % (2 * JOINS.length)]);
}

class Grower {
  readonly #next: () => number;
  #tags = 0;
  #budget: number;

  constructor(seed: number) {
    this.#next = numbers(seed);
    this.#budget = 4 + this.#below(11);
  }

  root(joins: readonly Operand[] | undefined): Tree {
    if (joins !== undefined) return this.#around(this.#joined(joins));
    const root = this.#tree(0);
    // A call alone is what the interop table tries.
    if (root.kind !== 'call') return root;
    const steps = plain([root, this.#tree(1), this.#tree(1)]);
    return { kind: 'chain', by: full(steps) ? this.#by() : 'constructor', steps };
  }

  #below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }
  #chance(part: number): boolean {
    return this.#next() < part;
  }
  #tag(): Tag {
    return `t${this.#tags++}`;
  }
  #by(): 'constructor' | 'pipe' {
    return this.#chance(0.5) ? 'constructor' : 'pipe';
  }

  #joined(operands: readonly Operand[]): Tree {
    const steps = plain(operands.map((operand) => this.#operand(operand)));
    const isGroup = operands.includes('empty');
    return { kind: 'chain', by: 'pipe', steps, ...(isGroup ? {} : called(steps, this.#links())) };
  }

  #operand(kind: Operand): Tree {
    const tree = (): Tree => this.#tree(3);
    switch (kind) {
      case 'task':
        return this.#call(false);
      case 'chain':
        return { kind: 'chain', by: 'constructor', steps: [this.#call(false), this.#call(false)] };
      case 'group':
        return { kind: 'group', members: typed(this.#several(2, 3, tree), this.#spare) };
      case 'one':
        return { kind: 'group', members: [this.#call(false)] };
      case 'empty':
        return { kind: 'group', members: [] };
      case 'nothing':
        return { kind: 'chain', by: 'constructor', steps: [] };
      case 'chord':
        return { kind: 'chord', by: 'constructor', header: typed(this.#several(2, 3, tree), this.#spare), body: this.#call(false) };
      default:
        return this.#rows(kind);
    }
  }

  /** The same alone, or beside another tree. */
  #around(tree: Tree): Tree {
    const die = this.#below(10);
    if (die < 7) return tree;
    const members = typed([tree, this.#tree(2)], this.#spare);
    return die === 7 ? { kind: 'group', members } : { kind: 'chord', by: this.#by(), header: members, body: this.#call(false) };
  }

  // One that is ignored leaves Celery's chord waiting for ever, so only links are.
  #task(mayBeIgnored: boolean): Pick<Call, 'task' | 'times'> {
    const die = this.#below(100);
    if (die < 76) return { task: 'node' };
    if (die < 84) return { task: 'flaky', times: 1 + this.#below(2) };
    if (die < 86) return { task: 'give_up' };
    if (die < 88 && mayBeIgnored) return { task: 'nothing' };
    return die < 95 ? { task: 'fail' } : { task: 'node' };
  }

  #links(): Linked {
    const told = (): Call => ({ kind: 'call', tag: this.#tag(), task: 'told', args: [], ...(this.#chance(0.3) ? { immutable: true } : {}) });
    return {
      ...(this.#chance(0.12) ? { link: Array.from({ length: 1 + this.#below(2) }, () => this.#call(true)) } : {}),
      ...(this.#chance(0.15) ? { errbacks: [told()] } : {}),
    };
  }

  #call(isLink: boolean): Call {
    this.#budget--;
    const value = (): unknown => [this.#below(100), `v${this.#below(10)}`, [this.#below(3)], null, true][this.#below(5)];
    return {
      kind: 'call',
      tag: this.#tag(),
      ...this.#task(isLink),
      args: Array.from({ length: this.#below(3) }, value),
      ...(this.#chance(0.15) ? { immutable: true } : {}),
      ...(isLink ? {} : this.#links()),
    };
  }
  readonly #spare = (): Call => this.#call(false);

  #rows(kind: Rows['kind']): Rows {
    this.#budget--;
    const nine = (): number => this.#below(9);
    const row = (): unknown => (kind === 'map' ? (this.#chance(0.05) ? 13 : nine()) : this.#chance(0.05) ? [13, 1] : [nine(), nine()]);
    return { kind, tag: this.#tag(), rows: Array.from({ length: 1 + this.#below(5) }, row), size: 1 + this.#below(3) };
  }

  #several(least: number, most: number, make: () => Tree): readonly Tree[] {
    return Array.from({ length: Math.max(least, Math.min(this.#budget, least + this.#below(most - least + 1))) }, make);
  }

  #tree(depth: number): Tree {
    const die = depth >= 4 || this.#budget <= 1 ? 0 : this.#below(100);
    const deeper = (): Tree => this.#tree(depth + 1);
    if (die < 34) return this.#call(false);
    if (die < 42) return this.#rows((['map', 'starmap', 'chunks'] as const)[this.#below(3)]!);
    if (die < 66) {
      // Celery forgets the links of a chain of one step inside another.
      const steps = plain(this.#several(2, 4, deeper));
      return { kind: 'chain', by: full(steps) ? this.#by() : 'constructor', steps, ...called(steps, this.#links()) };
    }
    if (die < 84) return { kind: 'group', members: typed(this.#several(this.#chance(0.06) ? 0 : 1, 4, deeper), this.#spare) };
    const header = typed(this.#several(this.#chance(0.04) ? 0 : 1, 4, deeper), this.#spare);
    const body = deeper();
    // A group without members takes no callbacks.
    return { kind: 'chord', by: this.#by(), header, body, ...(full([body]) ? this.#links() : {}) };
  }
}

/** Celery skips an empty group in `chain(…)`, but not one that `|` was told to go on from. */
const full = (trees: readonly Tree[]): boolean => trees.every((each) => each.kind !== 'group' || each.members.length > 0);

/** A group of one member that ends in a group, beside nothing but empty groups, is a list of lists with us, and the inner list with Celery (docs/guides/canvas.md): it gets a second. */
const typed = (members: readonly Tree[], spare: () => Tree): readonly Tree[] => (isOnlyGroup(members) ? [...members, spare()] : members);

/**
 * Each member of a group at the end of a chain calls the links of that chain, all of them under one id: whose result stays is chance, and in Celery members lose
 * the links of their own by it. So none is made there; src/canvas/compile.test.ts has the shape.
 */
function called(steps: readonly Tree[], { link, ...others }: Linked): Linked {
  return link === undefined || endsInGroup(steps.at(-1)!) ? others : { link, ...others };
}

/**
 * Celery lets the links and errbacks of a chain that ends in a group or chord, and of a chord whose body is a chain, reach what is joined to it; with us they
 * stay where they were written (docs/guides/canvas.md), so none is made there.
 */
const plain = (steps: readonly Tree[]): readonly Tree[] =>
  steps.map((step, index) => {
    if (index === steps.length - 1 || (step.kind !== 'chain' && step.kind !== 'chord') || !/"(group|chord|chunks)"/.test(JSON.stringify(step))) return step;
    const { link: _, errbacks: __, ...rest } = step;
    return rest;
  });
