import { expect, test } from 'vitest';
import { Retry } from '../errors.ts';
import { eagerMessage, runEagerly } from './eager.ts';
import { quietHost, received, taskOf, testEnv } from '../../test/kit/execution-env.ts';

// features: 4-021 5-098
test('a call made here and now is finished as in a worker, with its meta in memory', async () => {
  const env = await testEnv();
  const { headers } = received();
  const body = { args: [2], kwargs: {}, embed: { callbacks: null, errbacks: null, chain: null, chord: null } };
  const { outcome, meta } = await runEagerly(
    eagerMessage(headers, body),
    taskOf((_, x: number) => x * 2),
    { host: quietHost, env, storesResult: false },
  );
  expect(outcome).toMatchObject({ state: 'SUCCESS', valueJson: '4' });
  expect(meta).toMatchObject({ task_id: 'id1', status: 'SUCCESS' });
  expect(env.done).toEqual([]);
  await runEagerly(
    eagerMessage(headers, body),
    taskOf(() => 1),
    { host: quietHost, env, storesResult: true },
  );
  expect(env.done).toEqual(['save SUCCESS id1 1']);
});

test('retries run at once, until they succeed or are too many', async () => {
  const env = await testEnv();
  const attempts: number[] = [];
  const flaky = taskOf((run) => {
    attempts.push(run.received.headers.retries);
    if (run.received.headers.retries < 2) throw new Retry({ countdown: 3_600 });
    return 'done';
  });
  const { outcome } = await runEagerly(received(), flaky, { host: quietHost, env, storesResult: false });
  expect(outcome).toMatchObject({ state: 'SUCCESS', valueJson: '"done"' });
  expect(attempts).toEqual([0, 1, 2]);
  const hopeless = taskOf(() => {
    throw new Retry({ exc: new RangeError('never') });
  });
  expect((await runEagerly(received(), hopeless, { host: quietHost, env, storesResult: false })).outcome).toMatchObject({
    state: 'FAILURE',
    error: { exc_type: 'ValueError' },
  });
});
