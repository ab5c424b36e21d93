import { expect, test } from 'vitest';
import { Celery } from '../app/celery.ts';
import { chain } from './chain.ts';
import { chord } from './chord.ts';
import { group } from './group.ts';
import { workflowGraph } from './picture.ts';

const app = new Celery('t', { broker: 'memory://', backend: 'memory://' });
const add = app.task('t.add', (x: number, y: number) => x + y);
const sum = app.task('t.sum', (all: number[]) => all.length);
const tell = app.task('t.tell', (value: unknown) => value);

/** Edges by labels. */
function edges(signature: Parameters<typeof workflowGraph>[0]): readonly string[] {
  const graph = workflowGraph(signature);
  const labels = new Map(graph.nodes.map(({ id, label }) => [id, label]));
  return graph.edges.map(([from, to]) => `${labels.get(from)} > ${labels.get(to)}`).toSorted();
}

// features: 4-140
test('each step of a chain leads to the next, each part of a header to the body', () => {
  expect(edges(chain(add.s(1, 1), add.s(2)))).toEqual(['t.add(1, 1) > t.add(2)']);
  expect(edges(chord([add.s(1, 1), add.s(2, 2)], sum.s()))).toEqual(['t.add(1, 1) > t.sum()', 't.add(2, 2) > t.sum()']);
  expect(edges(chain(add.s(1, 1), group(add.s(2), add.s(3)), sum.s() as never))).toEqual([
    't.add(1, 1) > t.add(2)',
    't.add(1, 1) > t.add(3)',
    't.add(2) > t.sum()',
    't.add(3) > t.sum()',
  ]);
});

test('callbacks and errbacks hang on what they follow', () => {
  const linked = add
    .s(1, 1)
    .link(tell.s())
    .linkError(tell.s() as never);
  expect(edges(chain(linked, add.s(2)))).toEqual(['t.add(1, 1) > on error: t.tell()', 't.add(1, 1) > t.add(2)', 't.add(1, 1) > t.tell()']);
});

test('of many rows it is said how many, and what would be syntax is text', () => {
  const graph = workflowGraph(chain(add.starmap([[1, 2]]), tell.s()).link(tell.si('a "b" <c>')));
  expect(graph.nodes.map(({ label }) => label)).toEqual(['starmap of t.add, 1 row', 't.tell()', `t.tell('a "b" <c>')`]);
  expect(graph.toMermaid()).toContain(`n2["t.tell('a &quot;b&quot; &lt;c>')"]`);
  expect(graph.toDot()).toContain(String.raw`label="t.tell('a \"b\" <c>')"`);
});
