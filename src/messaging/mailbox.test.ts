import { expect, test } from 'vitest';
import { isForNode } from './mailbox.ts';

test.each([
  [{}, true],
  [{ destination: null, pattern: null, matcher: null }, true],
  [{ destination: ['w1@box'] }, true],
  [{ destination: ['w2@box'] }, false],
  [{ destination: ['w2@box'], pattern: 'w1@*', matcher: 'glob' }, false],
  [{ pattern: 'w?@box', matcher: 'glob' }, true],
  [{ pattern: 'w[2-9]@*', matcher: 'glob' }, false],
  [{ pattern: 'w[!2-9]@*', matcher: 'glob' }, true],
  [{ pattern: 'w1', matcher: 'glob' }, false],
  [{ pattern: '^w\\d', matcher: 'pcre' }, true],
  [{ pattern: '(', matcher: 'pcre' }, false],
  [{ pattern: 'nobody' }, true],
])('a command for %j reaches w1@box: %j', (envelope, isHeard) => {
  expect(isForNode(envelope, 'w1@box')).toBe(isHeard);
});

test.each([
  { pattern: '^(\\w+\\w?)+$', matcher: 'pcre' },
  { pattern: `${'*a'.repeat(30)}b`, matcher: 'glob' },
])('a pattern that would be tried for years names nobody, soon: %j', (envelope) => {
  expect(isForNode(envelope, `${'a'.repeat(60)}@box`)).toBe(false);
});
