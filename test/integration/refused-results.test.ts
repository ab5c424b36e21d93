import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery, chord, group } from '../../src/index.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/ids.ts';
import { createLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { RedisServer } from '../conformance/transports/redis-server.ts';
import { queueName } from '../support/roads.ts';

const REDIS = process.env['CELERIAC_TEST_REDIS'];
if (REDIS === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

/* A result that the store refuses for good costs its own task, not its neighbours, and no stop waits for it. */
describe.skipIf(REDIS === undefined)('a result that Redis refuses', () => {
  async function setUp(options: { readonly backend?: string } = {}) {
    const queue = queueName();
    const lines: string[] = [];
    const log = createLogger({
      clock: systemClock,
      level: 'INFO',
      write: (line) => void lines.push(line),
      format: ({ level, message }) => `${level} ${message}`,
    });
    const backend = options.backend ?? `${REDIS}/9`;
    const app = new Celery('proj', { broker: `${REDIS}/9`, backend, taskDefaultQueue: queue, taskAcksLate: true, log });
    const add = app.task('proj.add', (x: number, y: number) => x + y);
    const long = app.task('proj.long', (bytes: number) => 'x'.repeat(bytes));
    const sum = app.task('proj.sum', (all: number[]) => all.reduce((a, b) => a + b, 0));
    const admin = new Redis(`${REDIS}/9`);
    const worker = new Worker(app, { hostname: `w1@${queue}`, concurrency: 50 });
    onTestFinished(async () => {
      await worker.stop({ mode: 'cold' });
      await app.close();
      admin.disconnect();
    });
    /** Nothing of this worker's is left in hand. */
    const held = async (): Promise<number> => (await admin.hkeys('unacked')).filter((tag) => tag.includes(queue)).length;
    return { app, worker, admin, lines, held, add, long, sum };
  }

  test('fails alone: its neighbours are stored, it is acknowledged and named, and a warm stop ends', async () => {
    const { worker, admin, lines, held, add } = await setUp();
    const bad = newId();
    const key = `celery-task-meta-${bad}`;
    await admin.rpush(key, 'in the way');
    const ids = [...Array.from({ length: 20 }, newId), bad, ...Array.from({ length: 20 }, newId)];
    const results = await Promise.all(ids.map((taskId, n) => add.applyAsync([n, 0], { taskId })));
    await worker.start();
    const good = results.filter(({ id }) => id !== bad);
    expect(await Promise.all(good.map((result) => result.get({ timeout: 20 })))).toEqual(ids.flatMap((id, n) => (id === bad ? [] : [n])));
    await expect.poll(() => lines.filter((line) => line.includes(bad) && line.includes('WRONGTYPE')), { timeout: 20_000 }).not.toHaveLength(0);
    expect(lines.find((line) => line.startsWith(`ERROR Task proj.add[${bad}]`))).toContain(key);
    await expect.poll(held, { timeout: 20_000 }).toBe(0);
    await worker.stop({ mode: 'warm' });
    expect(worker.stats()['ended']).toMatchObject({ SUCCESS: 40, FAILURE: 1 });
    expect(await admin.lrange(key, 0, -1)).toEqual(['in the way']);
    expect(lines.filter((line) => line.includes('trying again'))).toEqual([]);
    await admin.del(key);
  }, 60_000);

  test('fails a chord that waits for it, by name', async () => {
    const { worker, admin, lines, held, add, sum } = await setUp();
    const bad = newId();
    await admin.rpush(`celery-task-meta-${bad}`, 'in the way');
    await worker.start();
    const result = await chord(group(add.s(1, 1), add.s(2, 2).set({ taskId: bad })), sum.s()).delay();
    await expect(result.get({ timeout: 20 })).rejects.toThrow(new RegExp(`Dependency ${bad} raised BackendStoreError`));
    await expect.poll(held, { timeout: 20_000 }).toBe(0);
    await worker.stop({ mode: 'warm' });
    expect(lines.some((line) => line.startsWith(`ERROR FAILURE of task ${bad} is not stored`))).toBe(true);
    await admin.del(`celery-task-meta-${bad}`);
  }, 60_000);

  test('for want of permission, too: by a user who may write some keys only', async () => {
    const name = `u${newId()}`;
    const allowed = newId();
    const { worker, admin, lines, held, add } = await setUp({ backend: `${REDIS!.replace('//', `//${name}:pw@`)}/9` });
    await admin.call('ACL', 'SETUSER', name, 'on', '>pw', '+@all', '-info', '&*', `~celery-task-meta-${allowed}*`);
    onTestFinished(async () => {
      await admin.call('ACL', 'DELUSER', name);
    });
    const ids = Array.from({ length: 12 }, (_, n) => (n % 4 === 3 ? newId() : `${allowed}-${n}`));
    const results = await Promise.all(ids.map((taskId, n) => add.applyAsync([n, 0], { taskId })));
    await worker.start();
    await Promise.all(results.filter((_, n) => n % 4 !== 3).map((result) => result.get({ timeout: 20 })));
    await expect.poll(held, { timeout: 20_000 }).toBe(0);
    await worker.stop({ mode: 'warm' });
    expect(worker.stats()['ended']).toMatchObject({ SUCCESS: 9, FAILURE: 3 });
    for (const n of [3, 7, 11])
      expect(lines.find((line) => line.startsWith(`ERROR Task proj.add[${ids[n]}]`))).toMatch(new RegExp(`celery-task-meta-${ids[n]}.*NOPERM`));
  }, 60_000);

  test('for its length: the FAILURE that tells of it is stored', async () => {
    const server = await RedisServer.start(['--proto-max-bulk-len', '1mb']);
    const { worker, lines, held, add, long } = await setUp({ backend: `redis://127.0.0.1:${server.port}/0` });
    onTestFinished(() => server[Symbol.asyncDispose]());
    await worker.start();
    const results = await Promise.all([add.delay(1, 2), long.delay(1_100_000), add.delay(3, 4)]);
    expect(await results[0]!.get({ timeout: 30 })).toBe(3);
    expect(await results[2]!.get({ timeout: 30 })).toBe(7);
    await expect(results[1]!.get({ timeout: 30 })).rejects.toThrow(/refuses the result of task .*, 1100\d\d\d bytes/);
    await expect.poll(held, { timeout: 20_000 }).toBe(0);
    await worker.stop({ mode: 'warm' });
    expect(lines.some((line) => line.startsWith('ERROR Task proj.long['))).toBe(true);
  }, 60_000);
});
