import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import { coreOf, type AppCore } from '../../../src/app/core.ts';
import type { Dispatch, TaskHost } from '../../../src/execution/host.ts';
import type { Outcome } from '../../../src/execution/outcome.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createLogger } from '../../../src/kernel/logger.ts';
import { createPool } from '../../../src/pools/index.ts';
import type { Pool } from '../../../src/pools/pool.ts';
import type { Value } from '../../../src/protocol/json.ts';
import type { ResultMeta } from '../../../src/protocol/result-meta.ts';
import { messageOf } from '../../../src/testing/conformance/pool/harness.ts';
import { app } from '../../fixtures/pools/app.ts';

/* Children that load a real app by its module, as with -A, and make calls of their own. */

const appModule = fileURLToPath(new URL('../../fixtures/pools/app.ts', import.meta.url));

describe.each(['prefork', 'threads'])('children of the %s pool load the app', (kind) => {
  const dispatched: Dispatch[] = [];
  const saved: ResultMeta[] = [];
  const lines: string[] = [];
  const log = createLogger({ clock: systemClock, level: 'WARNING', write: (line) => void lines.push(line) });
  const host: TaskHost = {
    dispatch: async (dispatch) => void dispatched.push(dispatch),
    saveState: async (meta) => void saved.push(meta),
    growChord: () => Promise.resolve(),
    emit: () => undefined,
    idle: () => Promise.resolve(),
  };
  const open: { pool?: Pool } = {};

  beforeAll(async () => {
    const known = coreOf(app);
    const core = new Proxy(known, {
      get: (target, key): unknown => (key === 'host' ? host : key === 'log' ? log : Reflect.get(target, key, target)),
    }) as AppCore;
    open.pool = await createPool(kind, { core, hostname: 'w1@test', concurrency: 1, appModule });
    await open.pool.start();
  });
  afterAll(async () => {
    await open.pool?.stop(new AbortController().signal);
    await app.close();
  });

  const run = (task: string, args: readonly Value[] = [], limits: { softTimeLimitMs?: number } = {}): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      open.pool!.run({
        received: messageOf(task, args),
        softTimeLimitMs: limits.softTimeLimitMs ?? null,
        timeLimitMs: null,
        onStarted: () => undefined,
        onEnded: resolve,
        onReturned: () => reject(new Error('handed back')),
      });
    });

  test('and run its tasks', async () => {
    expect(await run('pooled.add', [2, 2])).toMatchObject({ state: 'SUCCESS', valueJson: '4' });
    const outcome = await run('pooled.pid');
    const isHere = outcome.state === 'SUCCESS' && Number(outcome.valueJson) === process.pid;
    expect(isHere).toBe(kind === 'threads');
  });

  test('and their calls and states come to the parent before the outcome, children known', async () => {
    const outcome = await run('pooled.spread', [3]);
    expect(outcome).toMatchObject({ state: 'SUCCESS', valueJson: '0' });
    expect(outcome.children).toHaveLength(3);
    expect(saved).toMatchObject([{ status: 'PROGRESS' }]);
    expect(saved[0]!.result.value()).toEqual({ done: 1, total: 3 });
    const messages = dispatched.flatMap((one) => one.messages);
    expect(messages.map(({ message }) => message.headers['task'])).toEqual(['pooled.add', 'pooled.add', 'pooled.add']);
    expect(messages[0]!.message.headers['parent_id']).toBeTruthy();
  });

  test('and print into the log, each line under the name of its child', async () => {
    await run('pooled.print', ['this']);
    const name = kind === 'threads' ? 'ThreadPoolWorker-1' : 'ForkPoolWorker-1';
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^\\[.*: WARNING/${name}\\] printed this$`))]);
  });

  test('and retry, and hear of the soft limit', async () => {
    expect(await run('pooled.flaky')).toMatchObject({ state: 'RETRY', error: { exc_type: 'ValueError' } });
    expect(await run('pooled.slow', [60_000], { softTimeLimitMs: 30 })).toMatchObject({ state: 'FAILURE', error: { exc_type: 'SoftTimeLimitExceeded' } });
  });
});
