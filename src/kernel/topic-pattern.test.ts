import { expect, test } from 'vitest';
import { topicPattern, topicPatternText } from './topic-pattern.ts';

// Made by kombu 5.7.0 (TopicExchange.key_to_pattern).
test.each([
  ['a.*', String.raw`^a\.[^\.]+$`],
  ['#', '^.*?$'],
  ['a.#', String.raw`^a\..*?$`],
  ['*.b', String.raw`^[^\.]+\.b$`],
  ['a.*.#', String.raw`^a\.[^\.]+\..*?$`],
])('%s is stored as %s', (key, text) => {
  expect(topicPatternText(key)).toBe(text);
});

test('a star is one word, a hash any text, all else is itself', () => {
  expect([topicPattern('a.*').test('a.b'), topicPattern('a.*').test('a.b.c'), topicPattern('a.#').test('a.b.c'), topicPattern('a+b').test('aab')]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
