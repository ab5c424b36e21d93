// Random workflows, compiled: what must hold of every plan, whatever its shape. No servers.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile } from '../../src/canvas/compile.ts';
import type { Plan, ResultNode } from '../../src/canvas/plan.ts';
import type { SignatureData } from '../../src/protocol/signature.ts';
import { build } from './build.ts';
import { CI_SEEDS, treeOf } from './grow.ts';
import { countShapes, TABLE, words } from './shapes.ts';
import { show, smaller, taggedOf, type Tree } from './trees.ts';

function planOf(tree: Tree): Plan {
  let count = 0;
  return compile(build(tree, words).toJSON() as SignatureData, {
    newId: () => `id-${(count += 1)}`,
    now: 0,
    origin: 'test',
    chords: 'store',
    parent: { id: 'parent', rootId: 'root', priority: null },
  });
}

const nodesOf = (node: ResultNode): readonly ResultNode[] => [
  node,
  ...(node.parent === null ? [] : nodesOf(node.parent)),
  ...(node.children ?? []).flatMap(nodesOf),
];
const messages = (plan: Plan) => plan.publish.map(({ message }) => message);
/** Throws for the smallest tree below one that fails. */
const check = (holds: (tree: Tree, plan: Plan) => void): void => {
  const failure = (tree: Tree): Error | undefined => {
    try {
      holds(tree, planOf(tree));
      return undefined;
    } catch (error) {
      return error as Error;
    }
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) => {
      let tree = treeOf(seed);
      let error = failure(tree);
      if (error === undefined) return;
      for (let next: Tree | undefined = tree; next !== undefined; next = [...smaller(tree)].find((each) => failure(each) !== undefined)) tree = next;
      error = failure(tree)!;
      throw new Error(`${show(tree)}: ${error.message}`, { cause: error });
    }),
    // The same trees each time: what another seed finds belongs to whoever looks for it (PROPERTY_SEED), not to whoever changes something else.
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 500), seed: Number(process.env['PROPERTY_SEED'] ?? 1) },
  );
};

test('what `npm test` runs beside Celery has every shape of the table of `|`, and rows in all their forms', () => {
  const counts = countShapes(Array.from({ length: CI_SEEDS.count }, (_, index) => treeOf(CI_SEEDS.first + index)));
  expect(TABLE.filter((shape) => !counts.has(shape))).toEqual([]);
});

test('what is piped in a row is what it would be joined one by one', () => {
  check((tree) => expect(build(tree, words).toJSON()).toEqual(build(tree, words, { onJoin: (left) => left.toJSON() }).toJSON()));
});

test('no two messages of a plan have one id, and each belongs to the task that made the call', () => {
  check((_, plan) => {
    const ids = messages(plan).map(({ headers }) => headers.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { headers } of messages(plan)) expect([headers.root_id, headers.parent_id]).toEqual(['root', 'parent']);
  });
});

test('every call of a workflow is in what is sent: as a message, or inside of one, or in the body of a chord that waits', () => {
  check((tree, plan) => {
    const text = JSON.stringify([messages(plan).map(({ kwargs, embed }) => [kwargs, embed]), plan.chords]);
    for (const call of taggedOf(tree)) if (call.kind === 'call') expect(text).toContain(`"tag":"${call.tag}"`);
  });
});

test('every result that a caller can wait for is the id of something that is sent, or of a group', () => {
  check((_, plan) => {
    const text = JSON.stringify([messages(plan).map(({ headers, embed }) => [headers.id, embed]), plan.chords]);
    for (const node of nodesOf(plan.result)) if (node.children === null) expect(text).toContain(`"${node.id}"`);
  });
});

test('a chord’s size is the number of its parts that are sent now, or that follow from them under its id', () => {
  check((_, plan) => {
    const text = JSON.stringify(messages(plan).map(({ headers, embed }) => [headers.group, embed]));
    const groups = plan.chords.map(({ groupId }) => groupId);
    expect(new Set(groups).size).toBe(groups.length);
    for (const { groupId, size, body } of plan.chords) {
      expect(size).toBeGreaterThan(0);
      expect(typeof idOf(body)).toBe('string');
      expect(text).toContain(`"${groupId}"`);
    }
  });
});

/** A body’s id, or that of what ends it. */
function idOf(body: SignatureData): unknown {
  return body.options['task_id'] ?? (body.kwargs['body'] === undefined ? undefined : idOf(body.kwargs['body'] as never));
}
