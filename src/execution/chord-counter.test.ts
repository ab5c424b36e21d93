import { expect, test } from 'vitest';
import { received, sig, testEnv, type TestEnv } from '../../test/kit/execution-env.ts';
import type { ResultBackend } from '../backends/backend.ts';
import { decorated } from '../backends/decorated.ts';
import { encodedText } from '../protocol/json-text.ts';
import { finishTask } from './finish-task.ts';
import type { FakeClock } from '../testing/fake-clock.ts';
import type { Outcome } from './outcome.ts';

const success = (value: number): Outcome => ({ runtimeMs: 1, children: [], endsHere: false, state: 'SUCCESS', valueJson: String(value) });
const body = { ...sig('body', { task_id: 'b', queue: 'bodies' }), chord_size: 2 };
const part = (n: number, chord = body) => received({ headers: { id: `p${n}`, group: 'g', group_index: n }, embed: { chord } });
const tuple = (id: string) => [[id, null], null] as const;

/** A store that has nothing but a number per chord, or not even that. */
async function storeWith(chords: 'counter' | 'unlock' | 'none', more: { readonly chordJoinTimeoutMs?: number } = {}): Promise<TestEnv> {
  const env = await testEnv({ chordJoinTimeoutMs: 0, ...more });
  const counts = new Map<string, number>();
  const counter: ResultBackend['counter'] = {
    reset: async (id) => void counts.delete(id),
    increment: async (id) => counts.set(id, (counts.get(id) ?? 0) + 1).get(id)!,
  };
  const { chords: _, ...plain } = decorated(env.backend, { capabilities: { ...env.backend.capabilities, chords } });
  return { ...env, backend: chords === 'counter' ? { ...plain, counter } : plain };
}

async function withHeader(): Promise<TestEnv> {
  const env = await storeWith('counter');
  await env.backend.saveGroup('g', [
    ['g', null],
    [tuple('p0'), tuple('p1')],
  ]);
  return env;
}
const clockOf = ({ clock }: TestEnv): FakeClock => clock as FakeClock;
const starts = ({ done }: TestEnv) => done.filter((line) => line.startsWith('start'));

// features: 4-106
test('the part that makes the number full starts the body, in the order of the header', async () => {
  const env = await withHeader();
  await finishTask(part(1), success(11), env);
  expect(starts(env)).toEqual([]);
  await finishTask(part(0), success(10), env);
  expect(starts(env)).toEqual(['start body [10,11]']);
  expect(await env.backend.loadGroup('g')).toBeUndefined();
});

test('a part that comes again when the chord has ended starts nothing and fails nothing', async () => {
  const env = await withHeader();
  for (const n of [0, 1, 1, 0]) await finishTask(part(n), success(n), env);
  expect(starts(env)).toEqual(['start body [0,1]']);
  expect(await env.backend.load('b')).toBeUndefined();
});

test('the last part is delivered twice at once: one starts the body, the other waits until that is done', async () => {
  const env = await withHeader();
  await finishTask(part(0), success(10), env);
  const both = Promise.all([finishTask(part(1), success(11), env), finishTask(part(1), success(11), env)]);
  while (await clockOf(env).next());
  await both;
  expect(starts(env)).toEqual(['start body [10,11]']);
});

test('whoever counted the last part died before the body was started: the part that comes again starts it, when that one had time enough', async () => {
  const env = await withHeader();
  await finishTask(part(0), success(10), env);
  // The one that dies has stored its result and counted, no more.
  await env.backend.counter!.increment('g');
  const copies = [finishTask(part(1), success(11), env), finishTask(part(1), success(11), env)];
  await clockOf(env).advance(20_000);
  expect(starts(env)).toEqual([]);
  await clockOf(env).advance(3000);
  await Promise.all(copies);
  expect(starts(env)).toEqual(['start body [10,11]']);
  expect(await env.backend.loadGroup('g')).toBeUndefined();
});

test('a worker that stops while it waits for its turn leaves the part unfinished, for whoever gets it next', async () => {
  const stop = new AbortController();
  const env = { ...(await withHeader()), signal: stop.signal };
  await finishTask(part(0), success(10), env);
  await env.backend.counter!.increment('g');
  const waiting = finishTask(part(1), success(11), env);
  await clockOf(env).advance(1000);
  stop.abort(new Error('the worker stops'));
  await expect(waiting).rejects.toThrow('the worker stops');
  expect(starts(env)).toEqual([]);
});

test('a part that was counted twice does not make the number full: what is missing is polled for from then on', async () => {
  const env = await withHeader();
  for (const n of [0, 0]) await finishTask(part(n), success(n), env);
  expect(env.started).toMatchObject([
    { task: 'celery.chord_unlock', args: ['g', { task: 'body' }], kwargs: { result: [tuple('p0'), tuple('p1')] }, options: { queue: 'bodies' } },
  ]);
  await finishTask(part(1), success(1), env);
  expect(env.started).toHaveLength(1);
  expect(await env.backend.load('b')).toBeUndefined();
});

test('a chord whose group has expired fails', async () => {
  const env = await storeWith('counter');
  await finishTask(part(0), success(0), env);
  expect((await env.backend.load('b'))?.result.json).toContain('the group g is no longer there');
});

test('a part that comes again when Celery has ended the chord, its group and its number, does not fail it', async () => {
  const env = await storeWith('counter');
  await env.backend.save({ task_id: 'b', status: 'SUCCESS', result: encodedText('1'), traceback: null, children: [], date_done: null });
  const chord = { ...body, options: { ...body.options, link_error: [sig('errback')] } };
  await finishTask(part(0, chord), success(0), env);
  expect(env.started).toEqual([]);
  expect(await env.backend.load('b')).toMatchObject({ status: 'SUCCESS' });
});

test('a part whose result is not stored gets one, since that is what is looked at', async () => {
  const env = await storeWith('unlock');
  await finishTask(part(0), { runtimeMs: 1, children: [], endsHere: false, state: 'IGNORED' }, env);
  expect(await env.backend.load('p0')).toMatchObject({ status: 'FAILURE', group_id: 'g' });
  expect(starts(env)).toEqual([]);
});

test('where chords are not possible the body fails at once, and whoever waits for it is told', async () => {
  const env = await storeWith('none');
  const answers: unknown[] = [];
  const save: ResultBackend['save'] = async (meta, options) => void answers.push([meta.task_id, meta.status, options?.replyTo]);
  const chord = { ...body, options: { ...body.options, reply_to: 'caller' } };
  await finishTask(part(0, chord), success(0), { ...env, backend: decorated(env.backend, { save }) });
  expect(answers).toContainEqual(['b', 'FAILURE', 'caller']);
});
