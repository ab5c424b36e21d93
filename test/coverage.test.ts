import { expect, test } from 'vitest';
import { features, leftOut, tags } from '../scripts/features/page.ts';

const known = new Set(features().map(({ id }) => id));

test('tests name features that exist, and each stands above a test', () => {
  const wrong = tags().filter(({ id, test: name }) => !known.has(id) || name === '');
  expect(wrong).toEqual([]);
});

test('what is left out exists, says why, and is not shown by a test all the same', () => {
  const shown = new Set(tags().map(({ id }) => id));
  const wrong = Object.entries(leftOut()).filter(([id, why]) => !known.has(id) || why === '' || shown.has(id));
  expect(wrong).toEqual([]);
});
