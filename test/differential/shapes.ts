// Which shapes a tree has, so that a batch can say what it tried.
import { Celery, chain, chord, group } from '../../src/index.ts';
import type { AnySignature } from '../../src/canvas/signature.ts';
import type { SignatureData } from '../../src/protocol/signature.ts';
import { stepsOf, unrolled } from '../../src/canvas/signature-data.ts';
import { build, type Words } from './build.ts';
import type { Tree } from './trees.ts';

const app = new Celery('shapes', { broker: 'memory://shapes', backend: 'memory://shapes' });
/** The words of the sources, for trees that are only looked at. */
export const words: Words = {
  app,
  one: app.task('diff.one', (x: number) => [x]),
  two: app.task('diff.two', (x: number, y: number) => [x, y]),
  chain,
  chord,
  group,
};

/** What a batch must hold: each row of Celery's table of `|`, as it is said in features.md, and what is made of rows. */
export const TABLE: readonly string[] = [
  'task | task',
  'task | chord',
  'task | chain',
  'task | group',
  'task | group of one',
  'chain | group of one',
  'chain | chain',
  'chain | group',
  'chain ending in a group | task',
  'chain ending in a group | chord',
  'chain ending in a group | chain',
  'chain ending in a chord | task',
  'chain ending in a chord | chord',
  'chain ending in a chord | group',
  'empty chain | group',
  'group | task',
  'group | chain',
  'group | group',
  'group | chord',
  'group | empty group',
  'chord | task',
  'chord | chord',
  'chord | chain',
  'chord | group',
  'chord | group of one',
  'chunks',
  'map',
  'starmap',
];

/** Every node of a tree by its kind, and every `left | right`. */
export function shapesOf(tree: Tree): readonly string[] {
  const shapes: string[] = [];
  const walk = (of: Tree): void => {
    shapes.push(of.kind);
    if (of.kind === 'chain') of.steps.forEach(walk);
    if (of.kind === 'group') of.members.forEach(walk);
    if (of.kind === 'chord') [...of.header, of.body].forEach(walk);
  };
  walk(tree);
  build(tree, words, { onJoin: (left, right) => shapes.push(`${operand(left)} | ${operand(right)}`) });
  return shapes;
}

/**
 * Whether a step follows a chord whose body is a group, in a chain that does not begin with it. Celery starts that step once for each member of the group, with the
 * value of that one alone and under one id each time; with us the group is a header, as everywhere else (docs/guides/canvas.md).
 */
export function isRepeated(tree: Tree): boolean {
  const flat = (given: SignatureData): readonly SignatureData[] => {
    const step = unrolled(given);
    if (step.subtask_type === 'chain') return stepsOf(step.kwargs['tasks']).flatMap(flat);
    const [body] = step.subtask_type === 'chord' ? stepsOf(step.kwargs['body']) : [];
    const [first, ...rest] = body?.subtask_type === 'chain' ? flat(body) : [];
    return first === undefined ? [step] : [{ ...step, kwargs: { ...step.kwargs, body: first } }, ...rest];
  };
  const goesOn = (signature: SignatureData): boolean => {
    const { tasks, header, body } = signature.kwargs;
    const steps = signature.subtask_type === 'chain' ? flat(signature) : [];
    const isBefore = (step: SignatureData): boolean => step.subtask_type === 'chord' && stepsOf(step.kwargs['body'])[0]?.subtask_type === 'group';
    return steps.slice(0, -1).some(isBefore) || [tasks, header, body].flatMap(stepsOf).some(goesOn);
  };
  return goesOn(build(tree, words).toJSON() as SignatureData);
}

/** How often each shape is in these trees, by name. */
export function countShapes(trees: readonly Tree[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const shape of trees.flatMap(shapesOf)) counts.set(shape, (counts.get(shape) ?? 0) + 1);
  return new Map([...counts].toSorted(([a], [b]) => a.localeCompare(b)));
}

function operand(signature: AnySignature): string {
  const { task, subtask_type, kwargs } = signature.toJSON();
  if (subtask_type === null) return task === 'celery.chunks' ? 'group' : 'task';
  const parts = (kwargs['tasks'] ?? []) as readonly SignatureData[];
  if (subtask_type === 'group') return ['empty group', 'group of one'][parts.length] ?? 'group';
  const last = parts.at(-1)?.subtask_type;
  if (subtask_type !== 'chain') return subtask_type;
  if (parts.length === 0) return 'empty chain';
  return last === 'group' || last === 'chord' ? `chain ending in a ${last}` : 'chain';
}
