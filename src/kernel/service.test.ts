import { expect, test } from 'vitest';
import { ImproperlyConfigured } from '../errors.ts';
import { inOrder, startAll, stopAll, type Service } from './service.ts';

const log: string[] = [];
const service = (name: string, requires: readonly string[] = [], fails: 'start' | 'stop' | '' = ''): Service => ({
  name,
  requires,
  start: async () => {
    if (fails === 'start') throw new Error(`${name} cannot start`);
    log.push(`+${name}`);
  },
  stop: async () => {
    log.push(`-${name}`);
    if (fails === 'stop') throw new Error(`${name} cannot stop`);
  },
});
const deadline = new AbortController().signal;
const since = (): readonly string[] => log.splice(0);

test('each comes after those it requires, else in the order given; unknown names do not matter', () => {
  const order = inOrder([service('c', ['b', 'nobody']), service('a'), service('b', ['a'])]);
  expect(order.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
});

test('a circle is named', () => {
  expect(() => inOrder([service('a', ['b']), service('b', ['a'])])).toThrow(ImproperlyConfigured);
  expect(() => inOrder([service('a', ['b']), service('b', ['a'])])).toThrow('a -> b -> a');
});

test('they stop in the reverse order of their start', async () => {
  const all = [service('b', ['a']), service('a')];
  await startAll(all);
  await stopAll(all, deadline);
  expect(since()).toEqual(['+a', '+b', '-b', '-a']);
});

test('those that had started are stopped when one cannot start', async () => {
  await expect(startAll([service('a'), service('b', [], 'start'), service('c')])).rejects.toThrow('b cannot start');
  expect(since()).toEqual(['+a', '-a']);
});

test('all are stopped, then the first error is thrown', async () => {
  await expect(stopAll([service('a'), service('b', [], 'stop'), service('c')], deadline)).rejects.toThrow('b cannot stop');
  expect(since()).toEqual(['-c', '-b', '-a']);
});
