import { expect, test } from 'vitest';
import { received, sig, testEnv, type TestEnv } from '../../test/kit/execution-env.ts';
import { OperationalError } from '../errors.ts';
import { encodedText } from '../protocol/json-text.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { FakeClock } from '../testing/fake-clock.ts';
import { finishTask } from './finish-task.ts';
import type { Outcome } from './outcome.ts';

const ran = { runtimeMs: 1, children: [], endsHere: false };
const success = (value: number): Outcome => ({ ...ran, state: 'SUCCESS', valueJson: String(value) });
const boom = { exc_type: 'ValueError', exc_message: ['boom'], exc_module: 'builtins', traceback: null, repr: '' };
const failure: Outcome = { ...ran, state: 'FAILURE', error: boom };
const body = sig('body', { task_id: 'b', link_error: [sig('eb')] });
const part = (n: number) => received({ headers: { id: `p${n}`, group: 'g', group_index: n }, embed: { chord: body } });
/** What a chord's only part hears that comes once more. */
const arriveAgain = ({ backend }: TestEnv) => backend.chords!.arrive('g', { index: 0, taskId: 'p0', status: 'SUCCESS', result: encodedText('1') });

// features: 4-092 5-072
test('the last part starts the body, with the results in header order', async () => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 2, body);
  await finishTask(part(1), success(11), env);
  expect(env.started).toEqual([]);
  await finishTask(part(0), success(10), env);
  expect(env.done).toEqual(['save SUCCESS p1 11', 'save SUCCESS p0 10', 'start body [10,11]']);
  // It was told again, by a redelivery: the chord is closed.
  await finishTask(part(0), success(10), env);
  expect(env.done.filter((line) => line.startsWith('start'))).toHaveLength(1);
});

test('the results of a header with groups in it are waited for as long as resultChordJoinTimeout says', async () => {
  const env = await testEnv({ chordJoinTimeoutMs: 10_000 });
  const clock = env.clock as FakeClock;
  await env.backend.saveGroup('g', [
    ['g', null],
    [
      [['p0', null], null],
      [['slow', null], null],
    ],
  ]);
  await env.backend.chords!.open('g', 1, body);
  const state = { isOver: false };
  void Promise.resolve(finishTask(part(0), success(1), env)).then(() => (state.isOver = true));
  await clock.advance(9_000);
  expect(state.isOver).toBe(false);
  await clock.advance(2_000);
  expect(state.isOver).toBe(true);
  expect((await env.backend.load('b'))?.result.json).toContain('ChordError');
});

test.each([
  ['an errback of a body that is a chain is told once, though it stands at the last step too', true, [1]],
  ['errbacks of single steps of a body that is a chain are not told: those steps have not failed', false, []],
])('%s', async (_name, isOfChain, told) => {
  const env = await testEnv();
  const errback = sig('eb', { task_id: 'e' });
  const tasks = [sig('first', { task_id: 'f' }), sig('last', { task_id: 'b', link_error: [errback] })];
  const options = { task_id: 'b', ...(isOfChain ? { link_error: [errback] } : {}) };
  const chain = { ...sig('celery.chain', options), subtask_type: 'chain' as const, kwargs: { tasks } };
  await env.backend.chords!.open('g', 1, chain);
  await finishTask(received({ headers: { id: 'p0', group: 'g', group_index: 0 }, embed: { chord: chain } }), failure, env);
  expect(env.started.map(({ kwargs }) => (kwargs['tasks'] as readonly unknown[]).length)).toEqual(told);
});

test.each(['chain', 'group'] as const)('a body that is a %s with a chord in it fails to its end', async (kind) => {
  const env = await testEnv();
  const inner = {
    ...sig('celery.chord', { task_id: 'h' }),
    subtask_type: 'chord' as const,
    kwargs: { header: [sig('part')], body: sig('last', { task_id: 'b' }) },
  };
  const whole = {
    ...sig(`celery.${kind}`, { task_id: kind === 'chain' ? 'b' : 'g2' }),
    subtask_type: kind,
    kwargs: { tasks: [sig('first', { task_id: 'f' }), inner] },
  };
  await env.backend.chords!.open('g', 1, whole);
  await finishTask(received({ headers: { id: 'p0', group: 'g', group_index: 0 }, embed: { chord: whole } }), failure, env);
  expect([(await env.backend.load('f'))?.status, (await env.backend.load('b'))?.status]).toEqual(['FAILURE', 'FAILURE']);
});

test('of a body that is a chain ending in a chord the errbacks are told of what that chord gives, once', async () => {
  const env = await testEnv();
  const last = sig('last', { task_id: 'b' });
  const header = [sig('first', { task_id: 'p', group_id: 'h', group_index: 0, chord: last })];
  const inner = { ...sig('celery.chord', { task_id: 'h' }), subtask_type: 'chord' as const, kwargs: { header, body: last } };
  const chain = {
    ...sig('celery.chain', { link_error: [sig('eb', { task_id: 'e' })] }),
    subtask_type: 'chain' as const,
    kwargs: { tasks: [sig('step', { task_id: 's' }), inner] },
  };
  await env.backend.chords!.open('g', 1, chain);
  await finishTask(received({ headers: { id: 'p0', group: 'g', group_index: 0 }, embed: { chord: chain } }), failure, env);
  expect(env.done.filter((line) => line.startsWith('start'))).toEqual(['start celery.group "b"']);
});

test('of a body that is a chord the header fails too, each part with its errbacks; nobody counts it', async () => {
  const env = await testEnv();
  const last = sig('last', { task_id: 'b' });
  const parts = [
    sig('first', { task_id: 'p', group_id: 'h', group_index: 0, chord: last, link_error: [sig('eb', { task_id: 'e' })] }),
    sig('second', { task_id: 'q', group_id: 'h', group_index: 1, chord: last }),
  ];
  const header = { ...sig('celery.group', { task_id: 'h' }), subtask_type: 'group' as const, kwargs: { tasks: parts } };
  const inner = { ...sig('celery.chord', { task_id: 'h' }), subtask_type: 'chord' as const, kwargs: { header, body: last } };
  await env.backend.chords!.open('g', 1, inner);
  await finishTask(received({ headers: { id: 'p0', group: 'g', group_index: 0 }, embed: { chord: inner } }), failure, env);
  expect(await Promise.all(['p', 'q', 'b'].map(async (id) => (await env.backend.load(id))?.status))).toEqual(['FAILURE', 'FAILURE', 'FAILURE']);
  expect(env.done.filter((line) => line.startsWith('start'))).toEqual(['start celery.group "p"']);
  expect(env.done.filter((line) => line.startsWith('save FAILURE b '))).toHaveLength(1);
});

// features: 4-098 4-133
test('a failed part fails the body: its errbacks first, then its result', async () => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 2, body);
  await finishTask(part(0), failure, env);
  await finishTask(part(1), success(1), env);
  expect(env.done.slice(-2)).toEqual([
    'start celery.group "b"',
    `save FAILURE b {"exc_type":"ChordError","exc_message":["Dependency p0 raised ValueError('boom')"],"exc_module":"celery.exceptions"}`,
  ]);
  expect(env.started[0]!.options).toMatchObject({ parent_id: 'b', root_id: 'b' });
});

test.each([
  ['revoked', { ...ran, state: 'REVOKED', reason: 'revoked' }],
  ['ignored', { ...ran, state: 'IGNORED' }],
  ['rejected', { ...ran, state: 'REJECTED', requeue: false, error: boom }],
] as const)('a part that is %s counts as failed', async (_name, outcome) => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 1, body);
  await finishTask(part(0), outcome, env);
  expect((await env.backend.load('b'))?.status).toBe('FAILURE');
});

// features: 4-100
test('a body that cannot be published is a failed chord', async () => {
  const env = await testEnv();
  env.refuses.add('body');
  await env.backend.chords!.open('g', 1, body);
  await finishTask(part(0), success(1), env);
  expect((await env.backend.load('b'))?.result.json).toContain('Callback error: the broker refused body');
});

// features: 4-099
test('of a body that is a group every member fails', async () => {
  const env = await testEnv();
  const group = sig(
    'celery.group',
    { link_error: [sig('both')] },
    { subtask_type: 'group', kwargs: { tasks: [sig('a', { task_id: 'a' }), sig('b', { task_id: 'b' })] } },
  );
  await env.backend.chords!.open('g', 1, group);
  await finishTask(received({ headers: { id: 'p', group: 'g', group_index: 0 }, embed: { chord: group } }), failure, env);
  expect([(await env.backend.load('a'))?.status, (await env.backend.load('b'))?.status]).toEqual(['FAILURE', 'FAILURE']);
  expect(env.started).toHaveLength(2);
});

test('a complex header is joined by its saved tree', async () => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 2, body);
  await env.backend.saveGroup('g', [
    ['g', null],
    [
      [
        ['inner', null],
        [
          [['p0', null], null],
          [['p1', null], null],
        ],
      ],
      [['p2', null], null],
    ],
  ]);
  const meta = { status: 'SUCCESS', traceback: null, children: [], date_done: null };
  await env.backend.save({ ...meta, task_id: 'p1', result: { json: '11', value: () => 11 } });
  await finishTask(part(0), success(10), env);
  await finishTask(part(2), success(12), env);
  expect(env.done.at(-1)).toBe('start body [[10,11],12]');
});

test('a part waits while another holds the claim', async () => {
  const env = await testEnv();
  const answers = ['busy', 'closed'];
  const chords = { arrive: () => Promise.resolve(answers.shift() === 'busy' ? { kind: 'busy', retryInMs: 500 } : { kind: 'closed' }) };
  const backend = new Proxy(env.backend, { get: (target, key) => (key === 'chords' ? chords : Reflect.get(target, key)) });
  const finished = finishTask(part(0), success(1), { ...env, backend });
  await (env.clock as unknown as { advance(ms: number): Promise<void> }).advance(1_000);
  await finished;
  expect(answers).toEqual([]);
});

const junk = ['no signature'] as never;
const chainOf = (tasks: readonly SignatureData[], options: SignatureData['options']): SignatureData =>
  sig('celery.chain', options, { subtask_type: 'chain', kwargs: { tasks } });
test.each<readonly [what: string, body: SignatureData, failed: readonly string[]]>([
  ['an errback', sig('body', { task_id: 'b', link_error: ['no signature', sig('eb')] as never }), ['b']],
  ['what follows it', sig('body', { task_id: 'b', link_error: [sig('eb')], chain: [5, sig('next', { task_id: 'n' })] as never }), ['b', 'n']],
  ['the chord that it is a part of', sig('body', { task_id: 'b', link_error: [sig('eb')], chord: junk, group_id: 'h' }), ['b']],
  ['a step of a chain', chainOf([sig('a', { task_id: 'a', chain: junk }), 5 as never, sig('b', { task_id: 'b' })], { link_error: [sig('eb')] }), ['a', 'b']],
])('a body of which a part is no signature fails all the same, and so does what can be read of it: %s', async (_what, given, ids) => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 1, given);
  await finishTask(received({ headers: { id: 'p0', group: 'g', group_index: 0 }, embed: { chord: given } }), failure, env);
  for (const id of ids) expect((await env.backend.load(id))?.status).toBe('FAILURE');
  expect(env.started.map(({ kwargs }) => (kwargs['tasks'] as readonly SignatureData[]).map(({ task }) => task))).toEqual([['eb']]);
  expect(await arriveAgain(env)).toEqual({ kind: 'closed' });
});

test('errbacks of a body are told with whatever they are to be called', async () => {
  const env = await testEnv();
  const given = sig('body', { task_id: 'b', link_error: [sig('eb', {}, { args: [2n ** 70n] })] });
  await env.backend.chords!.open('g', 1, given);
  await finishTask(received({ headers: { id: 'p0', group: 'g', group_index: 0 }, embed: { chord: given } }), failure, env);
  expect(env.started).toMatchObject([{ kwargs: { tasks: [{ task: 'eb', args: [2n ** 70n] }] } }]);
  expect((await env.backend.load('b'))?.status).toBe('FAILURE');
});

test('errbacks of a failed chord are told once, though the store is away for longer than a claim is first held', async () => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 1, body);
  const clock = env.clock as FakeClock;
  let tries = 0;
  const backend = new Proxy(env.backend, {
    get(target, key) {
      if (key !== 'save') return Reflect.get(target, key, target) as unknown;
      return (meta: ResultMeta) => (meta.task_id === 'b' && ++tries < 7 ? Promise.reject(new OperationalError('away')) : target.save(meta));
    },
  });
  const finished = finishTask(part(0), failure, { ...env, backend });
  // Tried again at once, then after 0.5, 1, 1.5 … s: 7.5 s in all.
  await clock.advance(7_000);
  // Its message was redelivered meanwhile.
  expect((await arriveAgain(env)).kind).toBe('busy');
  await clock.advance(1_000);
  await finished;
  expect(env.done.filter((line) => line.startsWith('start'))).toEqual(['start celery.group "b"']);
  expect(await arriveAgain(env)).toEqual({ kind: 'closed' });
});

test('a chord whose end cannot be told is over all the same; not where the worker stops meanwhile', async () => {
  for (const isStopped of [false, true]) {
    const stop = new AbortController();
    const env = await testEnv({ signal: stop.signal });
    await env.backend.chords!.open('g', 1, body);
    const backend = new Proxy(env.backend, {
      get(target, key) {
        if (key !== 'save') return Reflect.get(target, key, target) as unknown;
        return (meta: ResultMeta) => {
          if (meta.task_id !== 'b') return target.save(meta);
          if (isStopped) stop.abort(new Error('stopped'));
          return Promise.reject(new TypeError('no such value'));
        };
      },
    });
    const finished = Promise.resolve(finishTask(part(0), failure, { ...env, backend }));
    if (isStopped) await expect(finished).rejects.toThrow('no such value');
    else await finished;
    expect((await arriveAgain(env)).kind).toBe(isStopped ? 'busy' : 'closed');
  }
});

test.each(['loadGroup', 'extend', 'close'])('a store that is away for a moment neither fails a chord nor starts its body twice: %s', async (step) => {
  const env = await testEnv();
  await env.backend.chords!.open('g', 1, body);
  let isAway = true;
  const flaky = <T extends object>(whole: T): T =>
    new Proxy(whole, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (key === 'chords') return flaky(member as object);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          if (key === step && isAway) {
            isAway = false;
            throw new OperationalError('the store is away');
          }
          const answer = (await (member as (...given: unknown[]) => unknown).apply(target, args)) as { readonly claim?: object } | undefined;
          return answer?.claim === undefined ? answer : { ...answer, claim: flaky(answer.claim) };
        };
      },
    });
  const finished = finishTask(part(0), success(1), { ...env, backend: flaky(env.backend) });
  await (env.clock as FakeClock).advance(1_000);
  await finished;
  expect(env.done).toEqual(['save SUCCESS p0 1', 'start body [1]']);
  expect(await arriveAgain(env)).toEqual({ kind: 'closed' });
});

test('a store that counts no chords says so, and nobody waits for ever', async () => {
  const env = await testEnv();
  const backend = new Proxy(env.backend, {
    get: (target, key) => (key === 'chords' ? undefined : key === 'capabilities' ? { ...target.capabilities, chords: 'none' } : Reflect.get(target, key)),
  });
  await finishTask(part(0), success(1), { ...env, backend });
  expect((await env.backend.load('b'))?.result.json).toContain('cannot count the parts of a chord');
});
