import { expect, test } from 'vitest';
import { argsRepr, kwargsRepr, pythonRepr } from './repr.ts';

test.each([
  [null, 'None'],
  [undefined, 'None'],
  [true, 'True'],
  [false, 'False'],
  [1, '1'],
  [1.5, '1.5'],
  [1e-7, '1e-07'],
  [1e300, '1e+300'],
  [Number.NaN, 'nan'],
  [-Infinity, '-inf'],
  [2n ** 70n, '1180591620717411303424'],
  ["it's", String.raw`'it\'s'`],
  ['new\nline', "'new\nline'"],
  [new Set(), 'set()'],
  [new Set([1, 2]), '{1, 2}'],
  [new Map([[1, 'x']]), "{1: 'x'}"],
  [{ 'a b': [true, null] }, "{'a b': [True, None]}"],
  [[], '[]'],
  [{}, '{}'],
  [new Uint8Array([97, 98]), "b'ab'"],
  [new Uint8Array([255, 0]), "b'ff00'"],
  [new Date(Date.UTC(2024, 0, 2)), 'datetime.datetime(2024, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)'],
  [new Date(Date.UTC(2024, 0, 2, 3, 4, 5, 678)), 'datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)'],
  [new Date(Number.NaN), 'None'],
  [new TypeError("it's"), String.raw`TypeError('it\'s')`],
])('%#: shown as Python shows it', (value, text) => {
  expect(pythonRepr(value)).toBe(text);
});

test('arguments are a tuple', () => {
  expect([argsRepr([]), argsRepr([1]), argsRepr([1, [2]])]).toEqual(['()', '(1,)', '(1, [2])']);
  expect(kwargsRepr({ a: 1, b: 'x' })).toBe("{'a': 1, 'b': 'x'}");
});

// The expected texts were made by celery.utils.saferepr of Celery 5.7.0, with maxlen=60.
test.each([
  ['x'.repeat(100), 65],
  ['x'.repeat(59), 61],
  [['x'.repeat(100)], 66],
  [Array.from({ length: 100 }, (_, index) => index), 69],
  [{ a: 'x'.repeat(100), b: 2 }, 71],
  [[['x'.repeat(30), 'y'.repeat(30)], 3], 72],
  [[[1, 2, [3, 'x'.repeat(100)]], 3], 73],
  [{ k: ['a'.repeat(20), 'b'.repeat(20), 'c'.repeat(20)] }, 67],
  [[Buffer.alloc(100, 'x')], 67],
])('%#: what is too long is cut and its brackets are closed', (value, length) => {
  const text = pythonRepr(value, { maxLength: 60 });
  expect(text).toHaveLength(length);
  expect([...text].filter((c) => '[{'.includes(c)).length).toBe([...text].filter((c) => ']}'.includes(c)).length);
});

test('the texts of long lists are those of Celery', () => {
  expect(
    pythonRepr(
      Array.from({ length: 100 }, (_, index) => index),
      { maxLength: 60 },
    ),
  ).toBe('[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1..., ...]');
  expect(argsRepr(['x'.repeat(30), 'y'.repeat(100)], { maxLength: 60 })).toBe(`('${'x'.repeat(30)}', '${'y'.repeat(25)}...')`);
});

test('it goes three levels deep, or as deep as asked', () => {
  const deep = [1, [2, [3, [4, [5]]]]];
  expect(pythonRepr(deep)).toBe('[1, [2, [3, [...]]]]');
  expect(pythonRepr(deep, { maxLevels: 2 })).toBe('[1, [2, [...]]]');
  expect(pythonRepr(deep, { maxLevels: 0 })).toBe('[1, [2, [3, [4, [5]]]]]');
  expect(argsRepr([[[[]]]])).toBe('([[[...]]],)');
  expect(pythonRepr({ a: { b: { c: { d: 1 } } } })).toBe("{'a': {'b': {'c': {...}}}}");
});

test('a value that contains itself comes to an end, also without limits', () => {
  const circle: unknown[] = [];
  circle.push(circle);
  expect(pythonRepr(circle)).toBe('[[[[...]]]]');
  expect(pythonRepr(circle, { maxLevels: 0, maxLength: 1e6 }).length).toBeLessThan(1000);
});
