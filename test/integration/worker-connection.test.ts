import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { deferred } from '../../src/kernel/deferred.ts';
import { createLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Worker } from '../../src/worker/worker.ts';
import { RedisServer } from '../conformance/transports/redis-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { queueName } from '../support/roads.ts';

const REDIS = process.env['CELERIAC_TEST_REDIS'];
if (REDIS === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

/** Gone: what is open breaks, and nothing new is let in. */
function cut(line: TcpProxy): void {
  line.refuse();
  line.reset();
}

/* A worker whose broker or result store goes away and comes back. */
describe.skipIf(REDIS === undefined)('a worker on a bad line', () => {
  async function setUp() {
    const server = new URL(REDIS!);
    const [brokerLine, storeLine] = [await TcpProxy.to(Number(server.port)), await TcpProxy.to(Number(server.port))];
    const queue = queueName();
    const lines: string[] = [];
    const log = createLogger({
      clock: systemClock,
      level: 'INFO',
      write: (line) => void lines.push(line),
      format: ({ level, message }) => `${level} ${message}`,
    });
    const settings = { taskDefaultQueue: queue, taskAcksLate: true, log };
    const app = new Celery('proj', { broker: `redis://127.0.0.1:${brokerLine.port}/9`, backend: `redis://127.0.0.1:${storeLine.port}/9`, ...settings });
    /** Not through the lines: what a producer and the one who waits see. */
    const outside = new Celery('proj', { broker: `${REDIS}/9`, backend: `${REDIS}/9`, ...settings });
    const runs: string[] = [];
    const gates = new Map<string, () => void>();
    app.task('proj.add', (x: number, y: number) => x + y);
    app.task('proj.gate', async (name: string) => {
      runs.push(name);
      await new Promise<void>((resolve) => gates.set(name, resolve));
      return name;
    });
    const worker = new Worker(app, { hostname: `w1@${queue}`, concurrency: 4 });
    onTestFinished(async () => {
      for (const open of gates.values()) open();
      brokerLine.heal();
      storeLine.heal();
      await worker.stop({ mode: 'cold' });
      await Promise.all([app.close(), outside.close()]);
      await Promise.all([brokerLine[Symbol.asyncDispose](), storeLine[Symbol.asyncDispose]()]);
    });
    await worker.start();
    return { brokerLine, storeLine, lines, outside, runs, gates, worker };
  }

  test('goes on by itself after its broker was away, and runs nothing twice', async () => {
    const { brokerLine, lines, outside, runs, gates } = await setUp();
    const long = await outside.sendTask('proj.gate', ['over the loss']);
    await expect.poll(() => runs).toEqual(['over the loss']);
    cut(brokerLine);
    await expect.poll(() => lines.some((line) => line.includes('lost the connection'))).toBe(true);
    gates.get('over the loss')!();
    expect(await long.get({ timeout: 10 })).toBe('over the loss');
    const sentMeanwhile = await outside.sendTask('proj.add', [1, 2]);
    brokerLine.heal();
    expect(await sentMeanwhile.get({ timeout: 15 })).toBe(3);
    expect(runs).toEqual(['over the loss']);
    expect(lines.filter((line) => line.includes('lost the connection to') && line.includes(String(brokerLine.port)))).not.toHaveLength(0);
  }, 40_000);

  test('takes no more than it may, counting what it holds from before its broker was away', async () => {
    const { brokerLine, lines, outside, runs, gates, worker } = await setUp();
    const queue = worker.hostname.replace('w1@', '');
    const names = Array.from({ length: 12 }, (_, n) => `n${n}`);
    const results = await Promise.all(names.slice(0, 4).map((name) => outside.sendTask('proj.gate', [name])));
    await expect.poll(() => runs).toHaveLength(4);
    cut(brokerLine);
    await expect.poll(() => lines.some((line) => line.includes('lost the connection'))).toBe(true);
    for (const name of names.slice(4)) results.push(await outside.sendTask('proj.gate', [name]));
    brokerLine.heal();
    await expect.poll(() => lines.some((line) => line.includes('again') && line.includes('consuming')), { timeout: 15_000 }).toBe(true);
    const redis = new Redis(`${REDIS}/9`);
    onTestFinished(() => redis.disconnect());
    // Four run, all four places are taken: a take would come at once.
    await systemClock.sleep(500);
    expect(await redis.llen(queue)).toBe(8);
    for (let done = 0; done < names.length; done++) {
      await expect.poll(() => runs.length).toBeGreaterThan(done);
      gates.get(runs[done]!)!();
    }
    for (const result of results) await result.get({ timeout: 10 });
    expect(runs.toSorted()).toEqual(names.toSorted());
  }, 60_000);

  test('keeps results while the store is away, and acknowledges when it has them', async () => {
    const { storeLine, outside, worker } = await setUp();
    await (await outside.sendTask('proj.add', [0, 0])).get({ timeout: 10 });
    cut(storeLine);
    const result = await outside.sendTask('proj.add', [20, 3]);
    await expect.poll(() => worker.stats()['total']).toEqual({ 'proj.add': 2 });
    expect(await result.state()).toBe('PENDING');
    expect(worker.stats()['ended']).toEqual({ SUCCESS: 1 });
    storeLine.heal();
    expect(await result.get({ timeout: 20 })).toBe(23);
    await expect.poll(() => worker.stats()['ended']).toEqual({ SUCCESS: 2 });
  }, 40_000);
});

/* A server of its own: what it refuses, it refuses to everybody. */
test.skipIf(!RedisServer.isInstalled)(
  'an ack that Redis refuses for a while, during a warm stop, is given again until it is taken',
  async () => {
    const server = await RedisServer.start();
    const admin = await server.connect();
    const lines: string[] = [];
    const log = createLogger({ clock: systemClock, level: 'INFO', write: (line) => void lines.push(line) });
    const app = new Celery('proj', { broker: server.url.href, backend: `memory://${queueName()}`, taskAcksLate: true, log });
    const gate = deferred<void>();
    let runs = 0;
    const task = app.task('proj.gate', async () => {
      runs++;
      await gate.promise;
    });
    const worker = new Worker(app, { hostname: 'w1@refused', concurrency: 1 });
    onTestFinished(async () => {
      await worker.stop({ mode: 'cold' });
      await app.close();
      await admin.close();
      await server[Symbol.asyncDispose]();
    });
    await worker.start();
    await task.delay();
    await expect.poll(() => admin.call('HLEN', 'unacked')).toBe(1);
    const stopped = worker.stop();
    await expect.poll(() => lines.join()).toContain('Warm shutdown');
    await admin.call('CONFIG', 'SET', 'min-replicas-to-write', 1);
    gate.resolve();
    await expect.poll(() => lines.join()).toContain('NOREPLICAS');
    await admin.call('CONFIG', 'SET', 'min-replicas-to-write', 0);
    await stopped;
    expect([runs, await admin.call('EXISTS', 'unacked', 'celery')]).toEqual([1, 0]);
  },
  30_000,
);
