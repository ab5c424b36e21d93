import { expect, test } from 'vitest';
import { encoded } from '../protocol/json-text.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { pollingWatch } from './polling.ts';

const metaOf = (id: string, status: string): ResultMeta => ({ task_id: id, status, result: encoded(null), traceback: null, children: [], date_done: null });
const never = new AbortController().signal;

/** A store that counts how often it is looked at. */
function store() {
  const metas = new Map<string, ResultMeta>();
  const asked: (readonly string[])[] = [];
  const load = (ids: readonly string[]): Promise<readonly ResultMeta[]> => {
    asked.push(ids);
    return Promise.resolve(ids.flatMap((id) => metas.get(id) ?? []));
  };
  return { metas, asked, load };
}

test('asks less and less often while nothing happens, up to the longest interval', async () => {
  const clock = createFakeClock();
  const { asked, load, metas } = store();
  const watching = pollingWatch(load, ['a'], { states: 'final', signal: never, clock, intervalMs: 10, maxIntervalMs: 500 }).next();
  await clock.advance(10_000);
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.length).toBeLessThan(35);
  metas.set('a', metaOf('a', 'SUCCESS'));
  await clock.advance(500);
  expect((await watching).value?.task_id).toBe('a');
});

test('asks in batches, and only for what is not final yet', async () => {
  const clock = createFakeClock();
  const { asked, load, metas } = store();
  const ids = ['a', 'b', 'c', 'd', 'e'];
  for (const id of ['a', 'c', 'd']) metas.set(id, metaOf(id, 'SUCCESS'));
  const all: string[] = [];
  const watching = (async () => {
    for await (const meta of pollingWatch(load, ids, { states: 'final', signal: never, clock, batch: 2 })) all.push(meta.task_id);
  })();
  await clock.advance(50);
  expect(asked.slice(0, 4)).toEqual([['a', 'b'], ['c', 'd'], ['e'], ['b', 'e']]);
  for (const id of ['b', 'e']) metas.set(id, metaOf(id, 'FAILURE'));
  await clock.advance(1000);
  await watching;
  expect(all).toEqual(['a', 'c', 'd', 'b', 'e']);
  expect(clock.pending).toBe(0);
});

test('looks at once when it is told that something has changed, even in the middle of a look', async () => {
  const clock = createFakeClock();
  const { load, metas } = store();
  const bell: { ring: () => void } = { ring: () => undefined };
  const gate: { open?: () => void } = {};
  let disposed = 0;
  const slow = async (ids: readonly string[]): Promise<readonly ResultMeta[]> => {
    const found = await load(ids);
    await new Promise<void>((resolve) => (gate.open = resolve));
    return found;
  };
  const next = pollingWatch(slow, ['a'], {
    states: 'final',
    signal: never,
    clock,
    intervalMs: 60_000,
    maxIntervalMs: 60_000,
    onChange: (look) => {
      bell.ring = look;
      return { [Symbol.dispose]: () => void (disposed += 1) };
    },
  });
  const first = next.next();
  await clock.advance(0);
  metas.set('a', metaOf('a', 'SUCCESS'));
  bell.ring();
  gate.open!();
  await clock.advance(0);
  gate.open!();
  expect((await first).value?.status).toBe('SUCCESS');
  expect((await next.next()).done).toBe(true);
  expect(disposed).toBe(1);
});

test('hands an error of the store to who waits', async () => {
  const watching = pollingWatch(() => Promise.reject(new Error('gone')), ['a'], { states: 'final', signal: never, clock: createFakeClock() });
  await expect(watching.next()).rejects.toThrow('gone');
});
