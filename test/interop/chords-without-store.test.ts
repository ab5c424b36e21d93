// Chords on stores that are no ChordStore, beside Celery: parts, the counting or polling, and the body, each in either language.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { chord } from '../../src/index.ts';
import { besideCelery, fleet, on, wait, type Part } from './chord-fleet.ts';

const mixed: readonly Part[] = [
  ['proj.add', [1, 1], on('ts')],
  ['proj.add', [2, 2], on('py')],
  ['proj.add', [3, 3], on('ts')],
  ['proj.add', [4, 4], on('py')],
];

besideCelery('chords', (server, executable) => {
  describe('chords by celery.chord_unlock, results in files', () => bothWays(server, executable, false));
  describe('chords by a counter, results in files', () => bothWays(server, executable, true));
  describe('celery.chord_unlock sent by hand, results in Redis', () => byHand(server, executable));
});

function bothWays(server: string, executable: string, counts: boolean): void {
  const files = mkdtempSync(join(tmpdir(), 'celeriac-chords-'));
  afterAll(() => rmSync(files, { recursive: true }));
  const { app, call, fromPython } = fleet(server, executable, { ts: `file://${files}`, py: `${counts ? 'chords:CountingFiles+' : ''}file://${files}`, counts });

  // features: 4-106 4-107
  test.each(['ts', 'py'])('sent by us, parts in both, body in %s', { timeout: 60_000 }, async (queue) => {
    const result = await chord(mixed.map(call), app.signature('proj.sum').set(on(queue))).delay();
    expect(await result.get(wait)).toBe(20);
  });

  test.each(['ts', 'py'])('sent by Celery, parts in both, body in %s', { timeout: 60_000 }, async (queue) => {
    const result = await fromPython('chord', mixed, ['proj.sum', on(queue)]);
    expect(await result.get(wait)).toBe(20);
  });

  test.each([
    ['ts', 'py'],
    ['py', 'ts'],
  ])('a part that fails in %s fails a body in %s', { timeout: 60_000 }, async (part, body) => {
    const header: readonly Part[] = [...mixed, ['proj.boom', [], on(part)]];
    const sent = await chord(header.map(call), app.signature('proj.sum').set(on(body))).delay();
    const celerys = await fromPython('chord', header, ['proj.sum', on(body)]);
    for (const result of [sent, celerys]) await expect(result.get(wait)).rejects.toThrow(/ValueError\('no'\)/);
  });
}

function byHand(server: string, executable: string): void {
  const { fromPython } = fleet(server, executable, { ts: server, py: server });

  test('is served by our worker', { timeout: 60_000 }, async () => {
    const [good, bad] = await Promise.all([
      fromPython('by hand', mixed, ['proj.sum', on('ts')]),
      fromPython('by hand', [...mixed, ['proj.boom', [], on('py')]], ['proj.sum', on('ts')]),
    ]);
    expect(await good.get(wait)).toBe(20);
    await expect(bad.get(wait)).rejects.toThrow(/Dependency .* raised ValueError\('no'\)/);
  });
}
