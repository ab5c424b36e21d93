// What the comparison lets go, and what it does not: each rule by the smallest case. No servers.
import { expect, test } from 'vitest';
import { differences } from './difference.ts';
import type { Outcome } from './outcome.ts';
import { treeOf } from './grow.ts';
import { isRepeated } from './shapes.ts';
import { isOnlyGroup, rivalsOf, type Call, type Tree } from './trees.ts';

const call = (tag: string, more: Partial<Call> = {}): Call => ({ kind: 'call', tag, task: 'node', args: [], ...more });
const group = (...members: readonly Tree[]): Tree => ({ kind: 'group', members });
const chord = (header: readonly Tree[], body: Tree): Tree => ({ kind: 'chord', by: 'constructor', header, body });
const chain = (...steps: readonly Tree[]): Tree => ({ kind: 'chain', by: 'pipe', steps });
const failed = (told: string) => ({ status: 'FAILURE', error: { type: 'ChordError', message: [told] }, dated: true });
const outcome = (more: Partial<Outcome>): Outcome => ({ handle: null, view: { value: 1 }, metas: {}, runs: [], repeats: false, rivals: [], ...more });
const road = { from: 'ts', to: 'ts' } as const;

test('which of several failures a chord tells is let go only where groups end members of its header, and only between those that failed', () => {
  expect(rivalsOf(chord([call('a'), call('b')], call('c')))).toEqual([]);
  const tree = chain(group(call('a'), chain(call('x'), group(call('b'), call('d')))), call('c'));
  const rivals = rivalsOf(tree).map((tags) => [...tags]);
  expect(rivals).toEqual([['a', 'x', 'b', 'd']]);
  const told = (tag: string, sets = rivals): Outcome =>
    outcome({
      rivals: sets,
      view: { value: { error: 'ChordError', args: [`ValueError('${tag}')`] } },
      runs: ['["a",[]]', '["b",[]]', '["d",[]]'],
      metas: { a: { status: 'FAILURE' }, b: { status: 'FAILURE' }, d: { status: 'SUCCESS' }, c: failed(`ValueError('${tag}')`) },
    });
  expect(differences(told('a'), told('b'), road)).toEqual([]);
  expect(differences(told('a', []), told('b', []), road)).toHaveLength(2);
  expect(differences(told('a'), told('d'), road)).not.toEqual([]);
});

test('errbacks that we tell and Celery does not are let go only of a task for which it stored nothing', () => {
  const told = { status: 'SUCCESS', name: 'diff.told', parent: 'a' };
  const here = outcome({ metas: { a: failed('x'), e: told }, runs: ['["e",["a"]]'] });
  expect(differences(outcome({}), here, road)).toEqual([]);
  expect(differences(outcome({ metas: { a: failed('x') } }), here, road)).toHaveLength(2);
  expect(differences(outcome({ metas: { a: failed('x'), e: told }, runs: ['["e",["a"]]'] }), outcome({ metas: { a: failed('x') } }), road)).toHaveLength(2);
});

test('what only a part of chunks failed with may be stored for tasks that never ran, but not for what runs without a line of its own', () => {
  const unlucky = (name: string) => ({ status: 'FAILURE', name, error: { type: 'ValueError', message: ['unlucky'] } });
  expect(differences(outcome({}), outcome({ metas: { a: unlucky('diff.node') } }), road)).toEqual([]);
  expect(differences(outcome({}), outcome({ metas: { a: unlucky('celery.starmap') } }), road)).toHaveLength(1);
});

test('of the parts of chunks one may be found in the place of another, and none may be missing', () => {
  const found = (...parts: readonly string[]): Outcome =>
    outcome({ metas: Object.fromEntries(parts.map((part) => [part, { status: 'SUCCESS', name: 'celery.starmap' }])) });
  expect(differences(found('part [[1,2]]'), found('part [[3,4]]'), road)).toEqual([]);
  expect(differences(found('part [[1,2]]', 'part [[3,4]]'), found('part [[3,4]]'), road)).toHaveLength(1);
  expect(differences(found('part [[1,2]]'), outcome({}), road)).toHaveLength(1);
});

test('a RETRY that came over the end of its own retry is let go where Celery’s worker wrote it, and not where ours did', () => {
  const [retry, end] = [outcome({ metas: { a: { status: 'RETRY' } } }), outcome({ metas: { a: { status: 'SUCCESS' } } })];
  expect(differences(end, retry, { from: 'ts', to: 'py' })).toEqual([]);
  expect(differences(retry, end, road)).toEqual([]);
  expect(differences(end, retry, road)).not.toEqual([]);
  expect(differences({ ...end, runs: ['["a again 1",[]]'] }, retry, { from: 'ts', to: 'py' })).not.toEqual([]);
});

test('a chord after a chord whose body is a group, further on in a chain: Celery starts it for each member, so ours must end, and no more is asked', () => {
  const [ends, next] = [chord([call('a')], group(call('b'), call('c'))), chord([call('d')], call('e'))];
  expect([chain(call('t'), ends, next), chain(ends, next), chain(call('t'), ends), chain(call('t'), ends, call('f'))].map(isRepeated)).toEqual([
    true,
    false,
    false,
    false,
  ]);
  const celery = outcome({ repeats: true });
  expect(differences(celery, outcome({ view: { value: 2 } }), road)).toEqual([]);
  expect(differences(celery, outcome({ view: { value: 'pending' } }), { from: 'py', to: 'ts' })).toHaveLength(1);
});

test('no tree has a group whose only member ends in a group, an empty group beside it or not: there a handle of Celery’s has the inner list', () => {
  const inner = chord([call('a')], group(call('b'), call('c')));
  expect([[inner], [inner, group()], [group(group()), inner], [group()]].map(isOnlyGroup)).toEqual([true, true, true, true]);
  expect([[], [call('a')], [call('a'), group()], [inner, call('a')], [inner, inner], [group(), group()]].map(isOnlyGroup)).toEqual(Array(6).fill(false));
  const groupsIn = (tree: Tree): readonly (readonly Tree[])[] => {
    if (tree.kind === 'chain') return tree.steps.flatMap(groupsIn);
    if (tree.kind === 'group') return [tree.members, ...tree.members.flatMap(groupsIn)];
    return tree.kind === 'chord' ? [tree.header, ...[...tree.header, tree.body].flatMap(groupsIn)] : [];
  };
  const seeds = Array.from({ length: 3000 }, (_, index) => index + 1);
  expect(seeds.filter((seed) => groupsIn(treeOf(seed)).some(isOnlyGroup))).toEqual([]);
});
