import { expect, test } from 'vitest';
import { received, sig, testEnv } from '../../test/kit/execution-env.ts';
import { OperationalError, ResponseError } from '../errors.ts';
import type { FakeClock } from '../testing/fake-clock.ts';
import { finishTask } from './finish-task.ts';
import { failOverdueChords } from './overdue-chords.ts';

const body = sig('body', { task_id: 'b', link_error: [sig('eb')] });
const part = (n: number) => received({ headers: { id: `p${n}`, group: 'g', group_index: n }, embed: { chord: body } });
const success = { runtimeMs: 1, children: [], endsHere: false, state: 'SUCCESS', valueJson: '1' } as const;

test('fails the body of a chord whose parts vanished, naming what is missing; errbacks first', async () => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 4, body);
  for (const n of [0, 2]) await finishTask(part(n), success, env);
  expect(await failOverdueChords(env)).toBe(0);
  await (env.clock as FakeClock).advance(3_600_000);
  expect(await failOverdueChords(env)).toBe(1);
  expect(env.done.at(-2)).toBe('start celery.group "b"');
  const meta = await env.backend.load('b');
  expect(meta).toMatchObject({ status: 'FAILURE' });
  expect(meta!.result.json).toMatch(/"ChordError".*2 of the 4 parts of the header did not end in time.*number 2, number 4\./);
  expect(await failOverdueChords(env)).toBe(0);
});

test('names the tasks where the header is known by a saved group', async () => {
  const env = await testEnv();
  await env.backend.saveGroup('g', [
    ['g', null],
    [
      [['p0', null], null],
      [['p1', null], null],
    ],
  ]);
  await env.backend.chords!.open('g', 2, body);
  await finishTask(part(0), success, env);
  await (env.clock as FakeClock).advance(3_600_000);
  await failOverdueChords(env);
  expect((await env.backend.load('b'))!.result.json).toContain('1 of the 2 parts of the header did not end in time (resultChordExpires): p1.');
});

test('a body with a malformed errback fails, and those that can be read are told', async () => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 1, sig('body', { task_id: 'b', link_error: ['no signature', sig('eb')] as never }));
  await (env.clock as FakeClock).advance(3_600_000);
  await failOverdueChords(env);
  expect(env.done).toEqual(['start celery.group "b"', expect.stringMatching(/^save FAILURE b /)]);
});

test('a store that is away or refuses to say what is missing costs no chord its end', async () => {
  const env = await testEnv();
  for (const id of ['g1', 'g2', 'g3']) await env.backend.chords!.open(id, 1, sig('body', { task_id: `b-${id}` }));
  await (env.clock as FakeClock).advance(3_600_000);
  const errors = [new OperationalError('away'), new ResponseError('WRONGTYPE')];
  const backend = new Proxy(env.backend, {
    get(target, key) {
      if (key === 'loadGroup' && errors.length > 0) return () => Promise.reject(errors.shift()!);
      return Reflect.get(target, key, target) as unknown;
    },
  });
  const ended = failOverdueChords({ ...env, backend });
  await (env.clock as FakeClock).advance(1_000);
  expect(await ended).toBe(3);
  const states = await Promise.all(['g1', 'g2', 'g3'].map(async (id) => (await env.backend.load(`b-${id}`))?.status));
  // The one that was refused is said in a line, and is all that is lost.
  expect(states.filter((state) => state === 'FAILURE')).toHaveLength(2);
});
