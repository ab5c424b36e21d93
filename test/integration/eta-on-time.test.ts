import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { Celery, Worker } from '../../src/index.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { queueName } from '../support/roads.ts';

const REDIS = process.env['CELERIAC_TEST_REDIS'];
if (REDIS === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

const COUNT = 900;
/** For the machine; a look every few seconds for 200 would take 16 s or more. */
const LATE_MS = 12_000;

/* What waits in the broker comes back before it is due, all of it: each look brings what there is. */
test.skipIf(REDIS === undefined)(
  'many tasks that wait in the broker for one moment start then, and none before',
  async () => {
    const [queue, prefix] = [queueName(), `${newId()}:`];
    const redis = new Redis(`${REDIS}/9`);
    const app = new Celery('proj', {
      broker: `${REDIS}/9`,
      taskDefaultQueue: queue,
      taskIgnoreResult: true,
      brokerTransportOptions: { global_keyprefix: prefix },
      log: silentLogger,
    });
    const startedAt: number[] = [];
    const note = app.task('proj.note', () => void startedAt.push(Date.now()));
    const worker = await new Worker(app, { hostname: `w-${newId()}@host`, concurrency: 20 }).start();
    onTestFinished(async () => {
      await worker.stop({ mode: 'cold' });
      await app.close();
      const left = await redis.keys(`${prefix}*`);
      if (left.length > 0) await redis.del(left);
      redis.disconnect();
    });
    const due = Date.now() + 15_000;
    await Promise.all(Array.from({ length: COUNT }, () => note.applyAsync([], { eta: new Date(due) })));
    await expect.poll(() => startedAt.length, { timeout: 60_000 }).toBe(COUNT);
    expect(Math.min(...startedAt)).toBeGreaterThanOrEqual(due);
    expect(Math.max(...startedAt) - due).toBeLessThan(LATE_MS);
  },
  180_000,
);
