// Results in other formats, and compressed, on a Redis that Celery and we share: each reads what the other wrote.
import { describe, expect, test } from 'vitest';
import { chain, chord, group } from '../../src/index.ts';
import { besideCelery, fleet, on, wait, type Part } from './chord-fleet.ts';

const mixed: readonly Part[] = [
  ['proj.add', [1, 1], on('ts')],
  ['proj.add', [2, 2], on('py')],
  ['proj.add', [3, 3], on('ts')],
];

besideCelery('results in other formats', (server, executable) => {
  describe.each([
    ['json', 'zlib'],
    ['msgpack', null],
    ['msgpack', 'zlib'],
    ['yaml', null],
  ])('results as %s, compression %s', (serializer, compression) => formatTests(server, executable, serializer, compression));
});

function formatTests(server: string, executable: string, serializer: string, compression: string | null): void {
  const { app, call, fromPython, tellPython } = fleet(server, executable, { ts: server, py: server, serializer, compression });

  test.each(['ts', 'py'])('chords with parts in both and a body in %s', { timeout: 60_000 }, async (queue) => {
    const flat = await chord(mixed.map(call), call(['proj.sum', [], on(queue)])).delay();
    const member = chain(call(['proj.add', [1, 1], on('ts')]), group([call(['proj.add', [1], on('py')]), call(['proj.add', [2], on('ts')])]));
    const nested = await chord([member, call(['proj.add', [5, 5], on('py')])], call(['proj.list', [], on(queue)])).delay();
    const celerys = await fromPython('chord', mixed, ['proj.sum', on(queue)]);
    expect(await Promise.all([flat.get(wait), nested.get(wait), celerys.get(wait)])).toEqual([12, [[3, 4], 10], 12]);
  });

  test('a part that fails', { timeout: 60_000 }, async () => {
    for (const queue of ['ts', 'py']) {
      const result = await chord([...mixed, ['proj.boom', [], on(queue)] as const].map(call), call(['proj.sum', [], on(queue)])).delay();
      await expect(result.get(wait)).rejects.toThrow(/ValueError\('no'\)/);
    }
  });

  test('groups that one saved the other restores', { timeout: 60_000 }, async () => {
    const [id, values] = (await tellPython('group', mixed)) as [string, number[]];
    expect(values).toEqual([2, 4, 6]);
    expect(await (await app.GroupResult(id))!.get(wait)).toEqual([2, 4, 6]);
    const ours = await group(mixed.map(call)).delay();
    await ours.save();
    expect(await tellPython('restore', [], [ours.id, {}])).toEqual([2, 4, 6]);
  });

  test('chains through both', { timeout: 60_000 }, async () => {
    const result = await chain(call(mixed[0]!), call(['proj.add', [10], on('py')]), call(['proj.add', [100], on('ts')])).delay();
    expect([await result.get(wait), await result.parent!.get(wait)]).toEqual([112, 12]);
  });
}
