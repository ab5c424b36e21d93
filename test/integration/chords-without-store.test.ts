import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Celery, chain, chord, ChordError, group, Ignore } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { SettingsInput } from '../../src/config/settings/index.ts';
import { Worker } from '../../src/worker/worker.ts';
import { fileBackend } from '../kit/file-backend.ts';

const opened: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function started(counts: boolean, settings: SettingsInput = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-files-'));
  const app = new Celery('proj', {
    broker: `memory://${crypto.randomUUID()}`,
    backend: `file://${folder}`,
    log: silentLogger,
    resultChordRetryInterval: 0.05,
    ...settings,
  });
  app.extend({ kind: 'backend', schemes: ['file'], load: () => Promise.resolve({ driver: fileBackend({ counts }) }) });
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 10 });
  opened.push(
    () => rmSync(folder, { recursive: true }),
    () => app.close(),
    () => worker.stop({ mode: 'cold' }),
  );
  const told: unknown[] = [];
  const tasks = {
    add: app.task('proj.add', (x: number, y: number) => x + y),
    sum: app.task('proj.sum', (all: number[]) => all.reduce((a, b) => a + b, 0)),
    list: app.task('proj.list', (all: unknown) => all),
    boom: app.task('proj.boom', () => {
      throw new RangeError('no');
    }),
    quiet: app.task('proj.quiet', { ignoreResult: true }, (x: number) => x),
    ignored: app.task('proj.ignored', () => {
      throw new Ignore();
    }),
    tell: app.task('proj.tell', (id: string) => void told.push(id)),
  };
  await worker.start();
  return { app, worker, told, ...tasks };
}
const wait = { timeout: 20 };

describe.each([
  ['a counter', true],
  ['celery.chord_unlock', false],
])('chords by %s, on a store of a third party', (_name, counts) => {
  // features: 4-106 4-107 5-096
  test('of every shape end in their results', async () => {
    const { add, sum, list, quiet } = await started(counts);
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
    const { app, add, sum, boom, ignored, tell, told } = await started(counts);
    const failed = await chord([add.s(1, 1), boom.s().set({ taskId: 'b1' }), add.s(2, 2)], sum.s().linkError(tell.s())).delay();
    const dropped = await chord([ignored.s().set({ taskId: 'i1' }), add.s(1, 1)], sum.s()).delay();
    const unknown = await chord([app.signature('proj.nobody').set({ taskId: 'u1' }), add.s(1, 1)], sum.s()).delay();
    const after = await chain(group([boom.s().set({ taskId: 'b2' }), add.s(1, 1)]), sum.s(), add.s(1)).delay();
    await expect(failed.get(wait)).rejects.toThrow(/Dependency b1 raised ValueError\('no'\)/);
    await expect(failed.get(wait)).rejects.toBeInstanceOf(ChordError);
    await expect(dropped.get(wait)).rejects.toThrow(/Dependency i1 raised/);
    await expect(unknown.get(wait)).rejects.toThrow(/Dependency u1 raised NotRegistered/);
    await expect(after.get(wait)).rejects.toThrow(/Dependency b2 raised/);
    await expect.poll(() => told, { timeout: 10_000 }).toEqual([failed.id]);
  });
});

test('a chord by celery.chord_unlock whose part was purged fails when its time is over, and names the part', async () => {
  const { add, sum } = await started(false, { resultChordExpires: '1s' });
  const result = await chord([add.s(1, 1), add.s(2, 2).set({ queue: 'nobody', taskId: 'lost' })], sum.s()).delay();
  await expect(result.get(wait)).rejects.toThrow(/did not end in time \(resultChordExpires\): lost\./);
});
