// Sends workflows of every shape and says in one line what came of each: `producer.ts COUNT`.
import { chain, chord, group } from 'celeriac';
import { add, app, fail, sum } from './tasks.ts';

interface Handle {
  get(options: { readonly timeout: number; readonly propagate: false }): Promise<unknown>;
}
type Shape = readonly [shape: string, expected: unknown, send: () => Promise<Handle>];

/** With numbers of its own, so that no result can be another's. */
function shapeOf(index: number): Shape {
  const parts = [1, 2, 3, 4].map((part) => add.s(index, part));
  const total = 4 * index + 10;
  const shapes: readonly Shape[] = [
    ['chain', index + 6, () => chain(add.s(index, 1), add.s(2), add.s(3)).delay()],
    ['group', [1, 2, 3, 4].map((part) => index + part), () => group(parts).delay()],
    ['chord', total, () => chord(parts, sum.s()).delay()],
    ['chord, then more', total + 5, () => chain(chord(parts, sum.s()), add.s(5)).delay()],
    ['chord of chains', 2 * index + 12, () => chord([chain(add.s(index, 1), add.s(2)), chain(add.s(index, 4), add.s(5))], sum.s()).delay()],
    ['chord of chords', 2 * total, () => chord([chord(parts, sum.s()), chord(parts, sum.s())], sum.s()).delay()],
    ['chord with a part that fails', 'ChordError', () => chord([add.s(index, 1), fail.s(index), add.s(index, 2)], sum.s()).delay()],
  ];
  return shapes[index % shapes.length]!;
}

async function outcome(index: number): Promise<void> {
  const [shape, expected, send] = shapeOf(index);
  const handle = await send();
  const value = await handle.get({ timeout: 150, propagate: false }).catch((error: Error) => error);
  const error = value instanceof Error ? value.name : null;
  process.stdout.write(`${JSON.stringify({ index, shape, expected, value: error === null ? value : (value as Error).message, error })}\n`);
}

// A few at a time, so that they go on being sent while workers are killed.
const indexes = Array.from({ length: Number(process.argv[2]) }, (_, index) => index)[Symbol.iterator]();
await Promise.all(
  Array.from({ length: 12 }, async () => {
    for (const index of indexes) await outcome(index);
  }),
);
await app.close();
