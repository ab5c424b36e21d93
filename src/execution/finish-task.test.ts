import { expect, test } from 'vitest';
import { BackendStoreError, OperationalError } from '../errors.ts';
import type { ResultBackend } from '../backends/backend.ts';
import { encodedText, encodeJson } from '../protocol/json-text.ts';
import { readBodyText } from '../protocol/task-message.ts';
import { policy, received, sig, taskOf, testEnv } from '../../test/kit/execution-env.ts';
import { finishTask } from './finish-task.ts';
import type { Outcome, TaskErrorData } from './outcome.ts';
import { revokedOutcome } from './outcomes.ts';
import { replacement } from './replace.ts';
import { nextAttempt } from './retry.ts';

const ran = { runtimeMs: 1, children: [], endsHere: false };
const success: Outcome = { ...ran, state: 'SUCCESS', valueJson: '4' };
const error: TaskErrorData = { exc_type: 'ValueError', exc_message: ['boom'], exc_module: 'builtins', traceback: 'Traceback', repr: "ValueError('boom')" };
const failure: Outcome = { ...ran, state: 'FAILURE', error };
const errorJson = '{"exc_type":"ValueError","exc_message":["boom"],"exc_module":"builtins"}';

// features: 4-063 4-123 4-125
test('success: callbacks, the next link, then the result with all children', async () => {
  const env = await testEnv();
  const message = received({ embed: { callbacks: [sig('cb')], chain: [sig('last'), sig('next', { task_id: 'n' })] } });
  await finishTask(message, { ...success, children: ['own'] }, env);
  expect(env.done).toEqual(['start cb 4', 'start next 4', 'save SUCCESS id1 4']);
  expect(env.started[1]!.options).toMatchObject({ task_id: 'n', chain: [sig('last')] });
  const meta = await env.backend.load('id1');
  expect(meta).toMatchObject({ children: ['own', [['child-1', null], null], [['child-2', null], null]], traceback: null });
  expect(meta!.date_done).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
});

// features: 4-124
test('of several callbacks groups go by themselves, the others as one new group', async () => {
  const env = await testEnv();
  const group = sig('celery.group', {}, { subtask_type: 'group' });
  await finishTask(received({ embed: { callbacks: [sig('a'), group, sig('b')] } }), success, env);
  expect(env.started.map(({ task }) => task)).toEqual(['celery.group', 'celery.group']);
  expect(env.started[1]!.kwargs['tasks']).toEqual([sig('a'), sig('b')]);
});

test('a body is not looked into when it is known to name nothing', async () => {
  const env = await testEnv();
  const message = { ...received(), body: () => expect.unreachable('the parent reads no body') };
  await finishTask(message, { ...success, endsHere: true }, env);
  expect(env.done).toEqual(['save SUCCESS id1 4']);
});

// features: 4-126
test('a follow-up that cannot be published fails the task', async () => {
  const env = await testEnv();
  env.refuses.add('cb');
  const { outcome } = await finishTask(received({ embed: { callbacks: [sig('cb')], errbacks: [sig('eb')] } }), success, env);
  expect(outcome).toMatchObject({ state: 'FAILURE', error: { exc_message: ['the broker refused cb'] } });
  expect(env.done).toEqual([expect.stringMatching(/^save FAILURE id1/), 'start celery.group "id1"']);
});

// features: 4-069 4-128 5-064
test('failure: the result, the links that will not run, then the errbacks as a group', async () => {
  const env = await testEnv();
  const inner = sig('celery.chord', {}, { subtask_type: 'chord', kwargs: { body: sig('body', { task_id: 'chord-body' }) } });
  const message = received({ embed: { errbacks: [sig('eb')], chain: [sig('last', { task_id: 'l' }), inner, sig('next', { task_id: 'n' })] } });
  await finishTask(message, failure, env);
  expect(env.done).toEqual([
    `save FAILURE id1 ${errorJson}`,
    `save FAILURE l ${errorJson}`,
    `save FAILURE chord-body ${errorJson}`,
    `save FAILURE n ${errorJson}`,
    'start celery.group "id1"',
  ]);
  expect(env.started[0]).toMatchObject({ subtask_type: 'group', options: { parent_id: 'id1', root_id: 'id1' }, kwargs: { tasks: [sig('eb')] } });
});

test.each<readonly [what: string, chain: string, failed: readonly string[]]>([
  ['values of a type that only others know', '{"task":"a","args":[{"__type__":"nobody","__value__":1}],"options":{"task_id":"a"}}', ['a', 'n']],
  ['no signature', '5,{"task":"a","options":{"task_id":"a"}}', ['a', 'n']],
  ['options that are none', '{"task":"a","options":{"task_id":"a","chain":[5]}}', ['a', 'n']],
  ['what nests too deep', `{"task":"a","args":${'['.repeat(1100)}${']'.repeat(1100)}}`, []],
])('errbacks are told, and steps that can be named fail, where a later step holds %s', async (_what, later, failed) => {
  const env = await testEnv({ resultExtended: true });
  const next = '{"task":"next","options":{"task_id":"n"}}';
  const body = readBodyText(`[[],{},{"callbacks":null,"errbacks":[{"task":"eb"}],"chain":[${later},${next}],"chord":null}]`);
  await finishTask({ ...received(), body: () => body }, failure, env);
  expect(env.done).toEqual([...['id1', ...failed].map((id) => `save FAILURE ${id} ${errorJson}`), 'start celery.group "id1"']);
});

test('what a step that will not run was called with stands in its extended result, as only others can read it', async () => {
  const env = await testEnv({ resultExtended: true });
  const text = '{"__type__":"nobody","__value__":[12345678901234567890,{"__type__":"decimal","__value__":"1.10"}]}';
  const body = readBodyText(
    `[[],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a","args":[${text}],"options":{"task_id":"a"}},{"task":"b"}],"chord":null}]`,
  );
  await finishTask({ ...received(), body: () => body }, failure, env);
  expect(encodeJson((await env.backend.load('a'))!.extended!.args!)).toBe(`[${text}]`);
});

test('a retry, and what replaces a task, take along what only others can read', async () => {
  const env = await testEnv();
  const text = '{"__type__":"nobody","__value__":[1]}';
  const body = readBodyText(`[[],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a","args":[${text}]},{"task":"b"}],"chord":null}]`);
  const message = { ...received(), body: () => body };
  const retried = nextAttempt({ received: message, body, task: { policy }, now: 0 }, {});
  await finishTask(message, { ...ran, state: 'RETRY', error, signatureJson: encodeJson(retried) }, env);
  await finishTask(message, { ...ran, state: 'REPLACED', signatureJson: encodeJson(replacement(message, body, sig('other'))) }, env);
  expect(env.started.map(({ task }) => task)).toEqual(['t', 'celery.chain']);
  for (const started of env.started) expect(encodeJson(started)).toContain(`"args":[${text}]`);
});

// features: 4-127
test('an errback that runs in process is not sent, but asked for', async () => {
  const env = await testEnv({ isErrback: (name) => name === 'local' });
  const finished = await finishTask(received({ embed: { errbacks: [sig('local')] } }), failure, env);
  expect(env.started).toEqual([]);
  expect(finished.listensAfter).toBe(true);
});

test('a failure whose errbacks cannot be sent is a failure all the same', async () => {
  const env = await testEnv();
  env.refuses.add('celery.group');
  const { outcome } = await finishTask(received({ embed: { errbacks: [sig('eb')] } }), failure, env);
  expect(outcome).toEqual(failure);
});

// features: 5-008
test('a retry is published, RETRY is stored, and the retry stands among the children', async () => {
  const env = await testEnv();
  const retry: Outcome = { ...ran, state: 'RETRY', error, signatureJson: encodeJson(sig('t', { task_id: 'id1', retries: 1 })) };
  await finishTask(received(), retry, env);
  expect(env.done.toSorted()).toEqual([`save RETRY id1 ${errorJson}`, 'start t']);
  expect(await env.backend.load('id1')).toMatchObject({ children: [[['id1', null], null]], date_done: null });
});

test('RETRY does not come over the end of the retry, however late the broker tells that it has it', async () => {
  const env = await testEnv();
  const end = {
    task_id: 'id1',
    status: 'FAILURE',
    result: encodedText(errorJson),
    traceback: null,
    children: [],
    date_done: '2026-01-01T00:00:00.000000+00:00',
  };
  // It runs elsewhere, and has ended before our publishing is confirmed.
  const slow = { ...env, start: () => env.backend.save(end).then(() => 'confirmed') };
  const retry: Outcome = { ...ran, state: 'RETRY', error, signatureJson: encodeJson(sig('t', { task_id: 'id1', retries: 1 })) };
  await finishTask(received(), retry, slow);
  expect((await env.backend.load('id1'))?.status).toBe('FAILURE');
});

test.each([
  ['is away', new OperationalError('away')],
  ['takes no more than the beginning of its text', new BackendStoreError('too long')],
])('nor where the store %s', async (_what, refusal) => {
  const env = await testEnv();
  const long = { ...error, exc_message: ['x'.repeat(5000)] };
  const retry: Outcome = { ...ran, state: 'RETRY', error: long, signatureJson: encodeJson(sig('t', { task_id: 'id1', retries: 1 })) };
  const refusals = [refusal];
  const backend = new Proxy(env.backend, {
    get(target, key) {
      if (key !== 'save') return Reflect.get(target, key, target) as unknown;
      return async (...given: Parameters<ResultBackend['save']>) => {
        const refused = refusals.shift();
        if (refused === undefined) return target.save(...given);
        // It runs elsewhere, and ends while we try again.
        await target.save({ ...given[0], status: 'FAILURE' });
        throw refused;
      };
    },
  });
  await finishTask(received(), retry, { ...env, backend });
  expect((await env.backend.load('id1'))?.status).toBe('FAILURE');
});

test('RETRY is stored once the store is there again', async () => {
  const env = await testEnv();
  await env.backend.save({ task_id: 'id1', status: 'STARTED', result: encodedText('null'), traceback: null, children: [], date_done: null });
  const refusals = [new OperationalError('away')];
  const backend = new Proxy(env.backend, {
    get(target, key) {
      if (key !== 'save' || refusals.length === 0) return Reflect.get(target, key, target) as unknown;
      return () => Promise.reject(refusals.pop()!);
    },
  });
  await finishTask(received(), { ...ran, state: 'RETRY', error, signatureJson: encodeJson(sig('t')) }, { ...env, backend });
  expect((await env.backend.load('id1'))?.status).toBe('RETRY');
});

test('a retry that cannot be published is a failure, never silence', async () => {
  const env = await testEnv();
  env.refuses.add('t');
  const retry: Outcome = { ...ran, state: 'RETRY', error, signatureJson: encodeJson(sig('t')) };
  expect((await finishTask(received(), retry, env)).outcome.state).toBe('FAILURE');
  expect(await env.backend.load('id1')).toMatchObject({ status: 'FAILURE' });
});

// features: 4-073 5-009 5-007
test('nothing is stored of what was ignored, replaced, or rejected to run again; a rejection for good is a failure', async () => {
  const env = await testEnv();
  await finishTask(received(), { ...ran, state: 'IGNORED' }, env);
  await finishTask(received(), { ...ran, state: 'REPLACED', signatureJson: encodeJson(sig('other')) }, env);
  await finishTask(received(), { ...ran, state: 'REJECTED', requeue: true, error }, env);
  expect(env.done).toEqual(['start other']);
  const { outcome } = await finishTask(received(), { ...ran, state: 'REJECTED', requeue: false, error }, env);
  expect(outcome.state).toBe('REJECTED');
  expect(env.done.at(-1)).toBe(`save FAILURE id1 ${errorJson}`);
});

test('a revoked task is stored as Celery writes it', async () => {
  const env = await testEnv();
  await finishTask(received(), revokedOutcome('expired'), env);
  expect(env.done).toEqual(['save REVOKED id1 {"exc_type":"TaskRevokedError","exc_message":["expired"],"exc_module":"celery.exceptions"}']);
});

test('what the caller says of the result wins over what the task says', async () => {
  const ignoring = { findTask: () => taskOf(() => 1, { ignoreResult: true }) };
  const env = await testEnv(ignoring);
  await finishTask(received(), success, env);
  expect(env.done).toEqual([]);
  await finishTask(received({ headers: { ignore_result: false } }), success, env);
  await finishTask(received(), failure, env);
  expect(env.done).toEqual(['save SUCCESS id1 4']);
  const keeping = await testEnv({ findTask: () => taskOf(() => 1, { ...policy, ignoreResult: true, storeErrorsEvenIfIgnored: true }) });
  await finishTask(received(), failure, keeping);
  expect(keeping.done).toEqual([`save FAILURE id1 ${errorJson}`]);
});

// features: 5-021 5-057 4-121
test('extended results say how the task was called, with its stamps', async () => {
  const env = await testEnv({ resultExtended: true });
  await finishTask(received({ headers: { retries: 2, stamped_headers: ['tag'], stamps: { tag: 'T' } }, args: [1], kwargs: { a: 2 } }), success, env);
  expect((await env.backend.load('id1'))!.extended).toEqual({
    name: 't',
    args: [1],
    kwargs: { a: 2 },
    worker: 'w1@test',
    retries: 2,
    queue: 'celery',
    stamped_headers: ['tag'],
    tag: 'T',
  });
});

test('a lost store is waited for', async () => {
  const env = await testEnv();
  const state = { tries: 0 };
  const backend = {
    ...env.backend,
    capabilities: env.backend.capabilities,
    save: () => (++state.tries < 3 ? Promise.reject(new OperationalError('gone')) : Promise.resolve()),
  } as unknown as ResultBackend;
  const finished = finishTask(received(), { ...success, endsHere: true }, { ...env, backend });
  await (env.clock as unknown as { advance(ms: number): Promise<void> }).advance(60_000);
  await finished;
  expect(state.tries).toBe(3);
});
