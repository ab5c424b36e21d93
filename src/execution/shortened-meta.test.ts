import { expect, test } from 'vitest';
import { encoded } from '../protocol/json-text.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import { shortenedMeta } from './shortened-meta.ts';

const meta = (more: Partial<ResultMeta>): ResultMeta => ({
  task_id: 'a',
  status: 'FAILURE',
  result: encoded({ exc_type: 'E', exc_message: ['short', 1], exc_module: 'm' }),
  traceback: null,
  children: [],
  date_done: null,
  ...more,
});
const lengthOf = ({ result, traceback, extended }: ResultMeta): number => JSON.stringify([result.value(), traceback, extended]).length;

test('the type of an error stays, its arguments and traceback are cut', () => {
  const long = 'ä'.repeat(100_000);
  const given = meta({
    result: encoded({ exc_type: 'E', exc_message: [long, 7, Array.from({ length: 50_000 }, (_, n) => n)], exc_module: 'm' }),
    traceback: `Traceback\n  here\nm.E: ${long}`,
    extended: { name: 'proj.add', args: [long], kwargs: {} },
  });
  const short = shortenedMeta(given)!;
  expect(lengthOf(short)).toBeLessThan(20_000);
  expect(short.result.value()).toEqual({
    exc_type: 'E',
    exc_message: [expect.stringMatching(/^ä{1000}… \(100000 characters/), 7, expect.stringMatching(/^\[0,\s?1,/)],
    exc_module: 'm',
  });
  expect(short.traceback).toMatch(/^Traceback\n  here\nm.E: ä+…\nä+$/);
  expect(short.extended).toEqual({ name: 'proj.add', args: expect.stringMatching(/^\["/), kwargs: {} });
});

test('many arguments, an old text instead of a list, and a cut through a character', () => {
  const many = shortenedMeta(meta({ result: encoded({ exc_type: 'E', exc_message: Array.from({ length: 90_000 }, () => 'x'), exc_module: null }) }))!;
  expect(many.result.value()).toEqual({ exc_type: 'E', exc_message: Array.from({ length: 10 }, () => 'x'), exc_module: null });
  const text = shortenedMeta(meta({ result: encoded({ exc_type: 'E', exc_message: `x${'😀'.repeat(9000)}`, exc_module: null }) }))!;
  expect(text.result.value()).toMatchObject({ exc_message: expect.stringMatching(/^x😀{499}… \(18001/u) });
});

test('where there is nothing to cut there is nothing to try', () => {
  expect(shortenedMeta(meta({}))).toBeUndefined();
  expect(shortenedMeta(meta({ status: 'RETRY', result: encoded(null) }))).toBeUndefined();
});
