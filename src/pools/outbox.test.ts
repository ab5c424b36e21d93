import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';

/** A channel that carries no negative numbers, and calls back when what it has is out. */
function channel(instead?: number) {
  const sent: (readonly number[])[] = [];
  const refused: [number, string][] = [];
  const outbox = new Outbox<number>(
    (batch, done) => {
      const bad = batch.find((message) => message < 0);
      if (bad !== undefined) throw new RangeError(`${bad} cannot travel`);
      sent.push(batch);
      done?.();
    },
    (message, error) => {
      refused.push([message, (error as Error).message]);
      return instead;
    },
  );
  return { outbox, refused, sent };
}

test('what was pushed in one tick leaves together', async () => {
  const { outbox, sent } = channel();
  for (const message of [1, 2, 3]) outbox.push(message);
  expect(sent).toEqual([]);
  await new Promise(setImmediate);
  expect(sent).toEqual([[1, 2, 3]]);
});

test('a message that cannot travel is named, and takes no other with it', async () => {
  const { outbox, refused, sent } = channel();
  for (const message of [1, -2, 3]) outbox.push(message);
  await new Promise(setImmediate);
  outbox.push(4);
  await new Promise(setImmediate);
  expect(sent).toEqual([[1], [3], [4]]);
  expect(refused).toEqual([[-2, '-2 cannot travel']]);
});

test('what is given instead takes its place, and `sent` is called behind all of them', () => {
  const { outbox, sent } = channel(20);
  for (const message of [1, -2, 3]) outbox.add(message);
  let before: unknown;
  outbox.flush(() => (before = [...sent]));
  expect(before).toEqual([[1], [20], [3], []]);
});
