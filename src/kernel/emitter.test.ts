import { expect, test } from 'vitest';
import { Emitter } from './emitter.ts';

test('listeners hear in order until they are disposed of', () => {
  const heard: string[] = [];
  const emitter = new Emitter<string>();
  const first = emitter.on((event) => void heard.push(`1 ${event}`));
  emitter.on((event) => void heard.push(`2 ${event}`));
  emitter.emit('a');
  first[Symbol.dispose]();
  emitter.emit('b');
  expect(heard).toEqual(['1 a', '2 a', '2 b']);
  expect(emitter.size).toBe(1);
});

test('the same function given twice is called twice', () => {
  const heard: number[] = [];
  const listener = (event: number): void => void heard.push(event);
  const emitter = new Emitter<number>();
  const one = emitter.on(listener);
  emitter.on(listener);
  emitter.emit(1);
  one[Symbol.dispose]();
  emitter.emit(2);
  expect(heard).toEqual([1, 1, 2]);
});

test("a listener's error does not reach the others", () => {
  const errors: unknown[] = [];
  const heard: number[] = [];
  const emitter = new Emitter<number>((error) => errors.push(error));
  emitter.on(() => {
    throw new Error('mine');
  });
  emitter.on((event) => void heard.push(event));
  emitter.emit(1);
  expect(heard).toEqual([1]);
  expect(errors).toHaveLength(1);
});
