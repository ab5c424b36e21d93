// Where this pair and Celery's own two come to different ends, and the smallest tree that shows it.
import type { Outcome } from './outcome.ts';
import type { Language, Rig } from './rig.ts';
import { smaller, type Tree } from './trees.ts';

type Fields = Readonly<Record<string, any>>;

/** Where two outcomes are not the same: the path, what Celery has, and what this pair has. */
export function differences(celery: Outcome, here: Outcome, worker: Language): readonly string[] {
  // What Celery leaves without an end must end in our worker, in an error.
  if (isOpen(celery.view))
    return worker === 'ts' && isOpen(here.view) ? ['.view\n    Celery: pending\n    here:   pending, where a definite error was expected'] : [];
  return compare(celery, here, '');
}

const isOpen = (view: unknown): boolean => JSON.stringify((view as Fields | null)?.['value'] ?? null).includes('"pending"');

function compare(celery: unknown, here: unknown, path: string): readonly string[] {
  if (JSON.stringify(celery) === JSON.stringify(here)) return [];
  const [a, b] = [celery, here] as [Fields, Fields];
  if (isPlain(a) && isPlain(b)) return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => compare(a[key], b[key], `${path}.${key}`));
  return [`${path}\n    Celery: ${JSON.stringify(celery)}\n    here:   ${JSON.stringify(here)}`];
}

const isPlain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Pair {
  readonly celery: Rig;
  readonly rig: Rig;
  readonly from: Language;
  readonly to: Language;
}

/** Both outcomes of each tree. */
async function both(trees: readonly Tree[], { celery, rig, from, to }: Pair): Promise<readonly (readonly [celery: Outcome, here: Outcome])[]> {
  const expected = await celery.run(trees, 'py', 'py');
  const outcomes = await rig.run(trees, from, to, expected, 4000);
  return expected.map((one, index) => [one, outcomes[index]!] as const);
}

/** The smallest tree found below a failing one that still fails, and how. `matters` picks the differences that are looked for. */
export async function smallest(
  tree: Tree,
  pair: Pair,
  matters: (difference: string) => boolean = () => true,
): Promise<{ readonly tree: Tree; readonly differences: readonly string[] } | undefined> {
  const found = async (trees: readonly Tree[]): Promise<{ readonly tree: Tree; readonly differences: readonly string[] } | undefined> => {
    if (trees.length === 0) return undefined;
    const outcomes = await both(trees, pair);
    const index = outcomes.findIndex(([celery, here]) => differences(celery, here, pair.to).some(matters));
    return index === -1 ? undefined : { tree: trees[index]!, differences: differences(...outcomes[index]!, pair.to) };
  };
  let best = await found([tree]);
  for (let rounds = 0; best !== undefined && rounds < 20; rounds += 1) {
    const next = await found([...smaller(best.tree)].slice(0, 200));
    if (next === undefined) return best;
    best = next;
  }
  return best;
}
