import { describe, expect, test } from 'vitest';
import { createFixture } from '../../test/support/worker.ts';
import type { ChordArrival, ChordPart } from '../backends/backend.ts';
import { BackendStoreError, ImproperlyConfigured, OperationalError } from '../errors.ts';
import { encodedText } from '../protocol/json-text.ts';
import { signatureData } from '../protocol/signature.ts';
import { encodeTaskBody, fillHeaders } from '../protocol/task-message.ts';

describe('nothing is acknowledged late before all that follows is done', () => {
  test('late: while the store cannot be asked or refuses our login the result waits, and is said once', async () => {
    const { clock, deliver, env, lines, pool, saved, verdicts, settled } = createFixture({ policies: { add: { acksLate: true } } });
    const store = env.backend.save.bind(env.backend);
    const errors = [new ImproperlyConfigured('WRONGPASS'), new OperationalError('away'), new ImproperlyConfigured('NOAUTH')];
    env.backend.save = (meta) => (errors.length > 0 ? Promise.reject(errors.shift()!) : store(meta));
    deliver('a');
    pool.begin('a');
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    expect(verdicts).toEqual([]);
    await clock.advance(10_000);
    expect(verdicts).toEqual(['a ack']);
    expect(saved).toMatchObject([{ task_id: 'a', status: 'SUCCESS' }]);
    expect(lines.filter((line) => line.startsWith('WARNING'))).toHaveLength(1);
  });

  test.each([
    ['an unexpected error sends it to the dead letters', new TypeError('oops'), 'dead'],
    ['a lost store gives it back, after a while', new OperationalError('away'), 'requeue'],
    ['a store that refuses it for good ends it', new BackendStoreError('never'), 'ack'],
  ])('late: not acknowledged when it cannot be finished: %s', async (_, error, verdict) => {
    const { clock, context, deliver, lines, pool, runner, verdicts, settled } = createFixture({ policies: { add: { acksLate: true } } });
    deliver('a');
    pool.begin('a');
    pool.after = () => Promise.reject(error);
    Object.assign(context.env.findTask('add')!, { listensAfter: true });
    pool.end('a', { state: 'SUCCESS' });
    await settled();
    expect(lines.filter((line) => line.startsWith('CRITICAL'))).toHaveLength(1);
    if (verdict === 'requeue') expect(verdicts).toEqual([]);
    await clock.advance(10_000);
    expect(verdicts).toEqual([`a ${verdict}`]);
    expect(runner.isIdle).toBe(true);
  });

  test('with deduplication, too, it is counted for its chord before it is acknowledged', async () => {
    const { deliver, env, stored, settled, verdicts } = createFixture({ policies: { add: { acksLate: true } }, options: { deduplicates: true } });
    const counted: unknown[] = [];
    const arrive = (groupId: string, { taskId, result }: ChordPart): Promise<ChordArrival> => {
      counted.push([groupId, taskId, result.json, [...verdicts]]);
      return Promise.resolve({ kind: 'closed' });
    };
    Object.assign(env.backend, { chords: { arrive } });
    stored.set('a', { task_id: 'a', status: 'SUCCESS', result: encodedText('4'), traceback: null, children: [], date_done: null });
    const headers = fillHeaders({ task: 'add', id: 'a', group: 'g', group_index: 0 });
    const text = encodeTaskBody({ args: [2, 2], kwargs: {}, embed: { callbacks: null, errbacks: null, chain: null, chord: signatureData({ task: 'sum' }) } });
    const message = { body: { text }, contentType: 'application/json', contentEncoding: 'utf-8', headers, properties: {} };
    deliver('a', {}, { redelivered: true, message });
    await settled();
    expect(counted).toEqual([['g', 'a', '4', []]]);
    expect(verdicts).toEqual(['a ack']);
  });
});
