import { describe, expect, test } from 'vitest';
import { BY_HAND } from './intake.ts';
import { createFixture } from '../../test/support/worker.ts';

const lost = {
  state: 'FAILURE',
  error: { exc_type: 'WorkerLostError', exc_message: ['gone'], exc_module: 'billiard.exceptions', traceback: null, repr: "WorkerLostError('gone')" },
} as const;

describe('acknowledging', () => {
  test('early: when the task starts, whatever becomes of it', async () => {
    const { deliver, pool, verdicts, saved, settled } = createFixture();
    deliver('a');
    expect(verdicts).toEqual([]);
    pool.begin('a');
    expect(verdicts).toEqual(['a ack']);
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    expect(verdicts).toEqual(['a ack']);
    expect(saved).toMatchObject([{ task_id: 'a', status: 'SUCCESS' }]);
  });

  test('late: when the result is stored, not before', async () => {
    const { deliver, env, pool, verdicts, settled } = createFixture({ policies: { add: { acksLate: true } } });
    let store!: () => void;
    env.backend.save = () => new Promise<void>((resolve) => (store = resolve));
    deliver('a');
    pool.begin('a');
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    expect(verdicts).toEqual([]);
    store();
    await settled();
    expect(verdicts).toEqual(['a ack']);
  });

  test('a lost child: another worker gets it and nothing is stored, if the task wants that', async () => {
    const { deliver, pool, verdicts, saved, settled } = createFixture({ policies: { add: { acksLate: true, rejectOnWorkerLost: true } } });
    deliver('a');
    pool.begin('a');
    pool.end('a', lost);
    await settled();
    expect(verdicts).toEqual(['a requeue']);
    expect(saved).toEqual([]);
  });

  test('a lost child: sent again as a retry, if the task wants that', async () => {
    const { deliver, pool, sent, saved, lines, settled } = createFixture({
      policies: { add: { retryOnWorkerLost: true, rejectOnWorkerLost: true, acksLate: true } },
    });
    deliver('a');
    pool.begin('a');
    pool.end('a', lost);
    await settled();
    expect(sent).toEqual(['add']);
    expect(saved).toMatchObject([{ task_id: 'a', status: 'RETRY' }]);
    expect(lines.at(-1)).toBe("INFO Task add[a] retry: Retry in 180s: WorkerLostError('gone')");
  });

  test('a lost child: the failure is stored when no retry is left', async () => {
    const { deliver, pool, sent, saved, settled } = createFixture({ policies: { add: { retryOnWorkerLost: true } } });
    deliver('a', { retries: 3 });
    pool.begin('a');
    pool.end('a', lost);
    await settled();
    expect(sent).toEqual([]);
    expect(saved).toMatchObject([{ status: 'FAILURE' }]);
  });
});

describe('waiting', () => {
  test('the pool gets no more than it has room for; the others wait in order', async () => {
    const { context, deliver, pool, settled } = createFixture();
    for (const id of ['a', 'b', 'c', 'd']) deliver(id);
    expect([...pool.jobs.keys()]).toEqual(['a', 'b']);
    expect(context.reservations.count('ready')).toBe(2);
    pool.begin('a');
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    expect([...pool.jobs.keys()]).toEqual(['b', 'c']);
  });

  test('those that end while they are being started are no burden to the stack', async () => {
    const { context, deliver, pool, runner, saved, settled } = createFixture();
    const ids = Array.from({ length: 5000 }, (_, index) => `t${index}`);
    for (const id of ids) deliver(id);
    pool.run = (job) => {
      job.onStarted(1, 0);
      job.onEnded({ state: 'SUCCESS', runtimeMs: 1, children: [], endsHere: true, valueJson: 'null' });
    };
    for (const id of [...pool.jobs.keys()]) {
      pool.begin(id);
      pool.end(id, { state: 'SUCCESS' });
    }
    runner.dispatch();
    await settled();
    expect(new Set(saved.map(({ task_id }) => task_id))).toEqual(new Set(ids));
    expect(context.reservations.count('ready')).toBe(0);
  });

  test('an eta far away is parked in the broker until shortly before, a near one waits here', async () => {
    const { clock, context, deliver, inMs, pool, verdicts } = createFixture({ canPark: true });
    deliver('far', { eta: inMs(60_000) });
    deliver('near', { eta: inMs(5000) });
    expect(verdicts).toEqual(['far parked for 50000']);
    expect(context.reservations.count('scheduled')).toBe(1);
    await clock.advance(4999);
    expect(pool.jobs.size).toBe(0);
    await clock.advance(1);
    expect([...pool.jobs.keys()]).toEqual(['near']);
  });

  test('more than the limit that wait for their eta are parked as well', () => {
    const { deliver, inMs, verdicts } = createFixture({ canPark: true, options: { etaLimit: 2 } });
    for (const id of ['a', 'b', 'c']) deliver(id, { eta: inMs(5000) });
    expect(verdicts).toEqual(['c parked for 5000']);
  });

  test('where nothing can be parked it waits here', async () => {
    const { clock, deliver, inMs, pool } = createFixture();
    deliver('far', { eta: inMs(3_600_000) });
    await clock.advance(3_600_000);
    expect(pool.jobs.size).toBe(1);
  });

  test('a rate limit holds them back, and others pass', async () => {
    const { clock, deliver, pool } = createFixture({ policies: { slow: { ratePerSecond: 1 } }, options: { concurrency: 10 } });
    for (const id of ['a', 'b']) deliver(id, { task: 'slow' });
    deliver('c');
    expect([...pool.jobs.keys()]).toEqual(['a', 'c']);
    await clock.advance(1000);
    expect([...pool.jobs.keys()]).toEqual(['a', 'c', 'b']);
  });

  test('nothing starts while it is uncertain whether the messages are still ours', async () => {
    const { clock, context, deliver, pool } = createFixture();
    const lease = { isCertain: false, onLost: () => ({ [Symbol.dispose]: () => undefined }) };
    context.lease = lease;
    deliver('a');
    await clock.advance(1000);
    expect(pool.jobs.size).toBe(0);
    lease.isCertain = true;
    await clock.advance(100);
    expect(pool.jobs.size).toBe(1);
  });
});

describe('not run', () => {
  test.each(['early', 'late'])('a revoked task is discarded, stored and acknowledged (%s acks)', async (acks) => {
    const { context, deliver, lines, pool, saved, settled, verdicts } = createFixture({ policies: { add: { acksLate: acks === 'late' } } });
    context.revoked.add(['a']);
    deliver('a');
    await settled();
    expect(pool.jobs.size).toBe(0);
    expect(saved).toMatchObject([{ task_id: 'a', status: 'REVOKED' }]);
    expect(verdicts).toEqual(['a ack']);
    expect(lines.at(-1)).toBe('INFO Discarding revoked task: add[a]');
  });

  test('what is revoked or expires while it waits for the pool is not run either', async () => {
    const { clock, context, deliver, inMs, pool, saved, settled } = createFixture({ options: { concurrency: 1 } });
    deliver('a');
    deliver('b');
    deliver('c', { expires: inMs(1000) });
    await clock.advance(2000);
    context.revoked.add(['b']);
    pool.begin('a');
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    expect(pool.jobs.size).toBe(0);
    expect(saved).toMatchObject([
      { task_id: 'a', status: 'SUCCESS' },
      { task_id: 'b', status: 'REVOKED' },
      { task_id: 'c', status: 'REVOKED' },
    ]);
  });

  test('an unknown task fails, once and for all', async () => {
    const { context, deliver, lines, saved, settled, verdicts } = createFixture();
    deliver('a', { task: 'nowhere' });
    await settled();
    expect(saved).toMatchObject([{ task_id: 'a', status: 'FAILURE', result: { json: expect.stringContaining('NotRegistered') as string } }]);
    expect(verdicts).toEqual(['a dead']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('unregistered task of type "nowhere"');
    expect(saved[0]).toMatchObject({ traceback: 'celery.exceptions.NotRegistered: nowhere\n' });
    expect(context.counters.refused.unknown).toBe(1);
  });

  test('an errback that is sent as a task fails as unknown, and the log says what errbacks are', async () => {
    const { deliver, lines, saved, settled } = createFixture({ errbacks: ['tell'] });
    deliver('a', { task: 'tell' });
    await settled();
    expect(saved).toMatchObject([{ task_id: 'a', status: 'FAILURE' }]);
    expect(lines).toEqual([
      expect.stringMatching(/"tell": id a is not run\. That is the name of an errback .* where the task failed\. .* app\.task, which gets the id/),
    ]);
  });

  test.each([
    [
      'a foreign content type',
      { message: { body: { text: '' }, contentType: 'application/octet-stream', contentEncoding: 'binary', headers: {}, properties: {} } },
      'undecodable',
    ],
    [
      'a body that is no JSON',
      { message: { body: { text: '{' }, contentType: 'application/json', contentEncoding: 'utf-8', headers: {}, properties: {} } },
      'undecodable',
    ],
    [
      'no task at all',
      { message: { body: { text: '{"a":1}' }, contentType: 'application/json', contentEncoding: 'utf-8', headers: {}, properties: {} } },
      'invalid',
    ],
  ] as const)('%s is dead: one line, one count, and the next one runs', async (_, change, counter) => {
    const { context, deliver, lines, pool, settled, verdicts } = createFixture();
    deliver('bad', {}, change);
    deliver('good');
    await settled();
    expect(verdicts).toEqual(['bad dead']);
    expect(lines.filter((line) => line.startsWith('ERROR'))).toHaveLength(1);
    expect(context.counters.refused[counter]).toBe(1);
    expect(pool.jobs.size).toBe(1);
  });

  test('an eta that is no date is dead', () => {
    const { deliver, verdicts } = createFixture();
    deliver('a', { eta: 'soon' });
    expect(verdicts).toEqual(['a dead']);
  });

  test('with deduplication a redelivered task that has succeeded is acknowledged only', async () => {
    const { deliver, pool, saved, settled, verdicts } = createFixture({ policies: { add: { acksLate: true } }, options: { deduplicates: true } });
    deliver('a');
    pool.begin('a');
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    deliver('a', {}, { redelivered: true });
    deliver('b', {}, { redelivered: true });
    await settled();
    expect([...pool.jobs.keys()]).toEqual(['b']);
    expect(verdicts).toEqual(['a ack', 'a ack']);
    expect(saved).toHaveLength(1);
  });
});

describe('the window', () => {
  test('is the free slots first, then grows with short tasks', async () => {
    const { context, deliver, pool, settled } = createFixture({ policies: { add: { acksLate: true } } });
    expect(context.window()).toBe(2);
    deliver('a');
    pool.begin('a');
    expect(context.window()).toBe(2);
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    expect(context.window()).toBe(3);
    expect(context.reservations.held).toBe(0);
  });

  test('does not count what an earlier channel brought', () => {
    const { context, deliver, pool } = createFixture({ policies: { add: { acksLate: true } } });
    deliver('a');
    pool.begin('a');
    context.reservations.newEpoch();
    expect(context.window()).toBe(1);
  });

  test('does not count what came by an earlier channel and was read after it, nor what was taken by hand', () => {
    const { context, deliver, pool } = createFixture({ options: { concurrency: 4 }, policies: { add: { acksLate: true } } });
    const before = context.reservations.epoch;
    context.reservations.newEpoch();
    deliver('read late', {}, {}, before);
    pool.begin('read late');
    expect(context.window()).toBe(3);
    deliver('by hand', {}, {}, BY_HAND);
    pool.begin('by hand');
    expect(context.window()).toBe(2);
  });

  test('closes while 10,000 results wait for the store', async () => {
    const { context, deliver, env, pool, settled } = createFixture({ options: { concurrency: 20_000 } });
    env.backend.save = () => new Promise<void>(() => undefined);
    for (let i = 0; i < 10_000; i++) {
      deliver(String(i));
      pool.begin(String(i));
      pool.end(String(i), { state: 'SUCCESS' });
    }
    await settled();
    expect(context.window()).toBe(0);
  });
});
