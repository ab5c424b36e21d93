import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Celery, chain, chord, ChordError, group } from '../../src/index.ts';
import type { SettingsInput } from '../../src/config/settings/index.ts';
import type { WorkerOptions } from '../../src/worker/options.ts';
import { Worker } from '../../src/worker/worker.ts';
import { chordApp } from './chord-files.ts';

const opened: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

type Kind = 'counter' | 'unlock' | 'none';

async function started(kind: Kind, settings: SettingsInput = {}, options: WorkerOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-files-'));
  vi.stubEnv('CHORDS_RESULTS', folder).stubEnv('CHORDS_KIND', kind);
  const { app, tasks } = chordApp(settings);
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 10, ...options });
  opened.push(
    () => rmSync(folder, { recursive: true }),
    () => app.close(),
    () => worker.stop({ mode: 'cold' }),
  );
  await worker.start();
  return { app, folder, ...tasks };
}
const wait = { timeout: 20 };

describe.each([
  ['a counter', 'counter'],
  ['celery.chord_unlock', 'unlock'],
] as const)('chords by %s, on a store of a third party', { timeout: 60_000 }, (_name, kind) => {
  // features: 4-106 4-107 5-096
  test('of every shape end in their results', async () => {
    const { add, sum, list, quiet } = await started(kind);
    const both = chord([add.s(1, 1), add.s(2, 2)], sum.s());
    const results = await Promise.all([
      both.delay(),
      chord(
        Array.from({ length: 30 }, (_, n) => add.s(n, n)),
        list.s(),
      ).delay(),
      chain(add.s(1, 1), group([add.s(1), add.s(2)]), sum.s(), add.s(100)).delay(),
      // Groups in a header make more parts than members.
      chord([chain(add.s(1, 1), group([add.s(1), add.s(2)])), add.s(5, 5)], list.s()).delay(),
      chord([both, add.s(1, 1)], list.s()).delay(),
      chord([add.s(1, 1)], group([list.s(), sum.s()])).delay(),
      // Results that a task would not store are needed here.
      chord([quiet.s(1), quiet.s(2)], list.s()).delay(),
    ]);
    expect(await Promise.all(results.map((result) => result.get(wait)))).toEqual([
      6,
      Array.from({ length: 30 }, (_, n) => 2 * n),
      107,
      [[3, 4], 10],
      [6, 2],
      [[2], 2],
      [1, 2],
    ]);
  });

  // features: 4-098
  test('whose parts fail, in whatever way, fail and name the part', async () => {
    const { app, add, sum, boom, ignored, tell, folder } = await started(kind);
    const failed = await chord([add.s(1, 1), boom.s().set({ taskId: 'b1' }), add.s(2, 2)], sum.s().linkError(tell.s())).delay();
    const dropped = await chord([ignored.s().set({ taskId: 'i1' }), add.s(1, 1)], sum.s()).delay();
    const unknown = await chord([app.signature('proj.nobody').set({ taskId: 'u1' }), add.s(1, 1)], sum.s()).delay();
    const after = await chain(group([boom.s().set({ taskId: 'b2' }), add.s(1, 1)]), sum.s(), add.s(1)).delay();
    await expect(failed.get(wait)).rejects.toThrow(/Dependency b1 raised ValueError\('no'\)/);
    await expect(failed.get(wait)).rejects.toBeInstanceOf(ChordError);
    await expect(dropped.get(wait)).rejects.toThrow(/Dependency i1 raised/);
    await expect(unknown.get(wait)).rejects.toThrow(/Dependency u1 raised NotRegistered/);
    await expect(after.get(wait)).rejects.toThrow(/Dependency b2 raised/);
    await expect.poll(() => readFileSync(join(folder, 'told'), { encoding: 'utf8', flag: 'a+' }), { timeout: 10_000 }).toBe(failed.id);
  });

  test.each(['prefork', 'threads'] as const)('in a pool of %s', { timeout: 60_000 }, async (pool) => {
    const { add, sum, boom } = await started(kind, {}, { pool, concurrency: 2, appModule: new URL('chord-files.ts', import.meta.url).href });
    const good = await chord([add.s(1, 1), add.s(2, 2)], sum.s()).delay();
    const bad = await chord([add.s(1, 1), boom.s()], sum.s()).delay();
    expect(await good.get({ timeout: 40 })).toBe(6);
    await expect(bad.get({ timeout: 40 })).rejects.toBeInstanceOf(ChordError);
  });
});

describe('celery.chord_unlock that cannot go on fails the body', { timeout: 60_000 }, () => {
  const sent = (app: Celery, more: object) =>
    app.sendTask('celery.chord_unlock', ['g', { task: 'proj.sum', args: [], kwargs: {}, options: { task_id: 'body' } }], {
      kwargs: { interval: 0.01, result: [[['never', null], null]], ...more },
    });

  test('when it was told how often to look', async () => {
    const { app } = await started('unlock');
    await sent(app, { max_retries: 2 });
    await expect(app.AsyncResult('body').get(wait)).rejects.toThrow(/could not go on: .*Can't retry/);
  });

  test('where results cannot be read', async () => {
    const { app } = await started('none');
    await sent(app, {});
    await expect(app.AsyncResult('body').get(wait)).rejects.toThrow(/cannot be read, so chords are not possible/);
  });
});

test('a chord by celery.chord_unlock whose part was purged fails when its time is over, and names the part', { timeout: 60_000 }, async () => {
  const { add, sum } = await started('unlock', { resultChordExpires: '1s' });
  const result = await chord([add.s(1, 1), add.s(2, 2).set({ queue: 'nobody', taskId: 'lost' })], sum.s()).delay();
  await expect(result.get(wait)).rejects.toThrow(/did not end in time \(resultChordExpires\): lost\./);
});
