import { expect, test } from 'vitest';
import { arraySlices, objectSlices, withMember } from './json-slice.ts';

const pieces = (text: string): string[] => arraySlices(text).map(({ start, end }) => text.slice(start, end));

test('finds the elements of an array as they are written', () => {
  expect(pieces('[1, "a]\\"b", {"x": [1, 2]}, NaN , 12345678901234567890]')).toEqual(['1', '"a]\\"b"', '{"x": [1, 2]}', 'NaN', '12345678901234567890']);
  expect(pieces('[]')).toEqual([]);
  expect(pieces(' [ [] ] ')).toEqual(['[]']);
});

test('finds the members of an object', () => {
  const text = '{"a\\u0062": {"c": "}"}, "d" : null}';
  expect([...objectSlices(text)].map(([name, { start, end }]) => [name, text.slice(start, end)])).toEqual([
    ['ab', '{"c": "}"}'],
    ['d', 'null'],
  ]);
});

test('sets a member and leaves everything else alone', () => {
  expect(withMember('{"a": 1.0, "b": 2}', 0, 'b', 'true')).toBe('{"a": 1.0, "b": true}');
  expect(withMember('{"a": 1.0}', 0, 'b', 'true')).toBe('{"b":true,"a": 1.0}');
  expect(withMember('{}', 0, 'b', 'true')).toBe('{"b":true}');
});

test.each(['', '{', '[1', '["a]', '[1 2]', '{"a" 1}', 'null'])('refuses %j', (text) => {
  expect(() => [arraySlices(text), objectSlices(text)]).toThrow(SyntaxError);
});
