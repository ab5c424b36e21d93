import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Queue } from '../../src/messaging/entities.ts';
import { Worker, type WorkerOptions } from '../../src/worker/worker.ts';
import { management, noRabbit, rabbitVhost } from '../support/rabbitmq.ts';
import { queueName } from '../support/roads.ts';

const python = process.env['CELERIAC_TEST_PYTHON'];
const vhost = await rabbitVhost();
if (noRabbit !== undefined) console.warn(`skipped: ${noRabbit}`);

describe.skipIf(vhost === undefined)('quorum queues', { timeout: 60_000 }, () => {
  function setUp(settings: Record<string, unknown> = {}) {
    const queue = queueName();
    const app = new Celery('proj', {
      broker: vhost!.url,
      backend: 'rpc://',
      taskDefaultQueue: queue,
      taskDefaultQueueType: 'quorum',
      log: silentLogger,
      ...settings,
    });
    const now = app.task('proj.now', () => Date.now());
    const add = app.task('proj.add', { acksLate: true }, (x: number, y: number) => x + y);
    const delays: number[] = [];
    const again = app.task('proj.again', { bind: true, maxRetries: 3 }, (self) => {
      delays.push(self.request.deliveryInfo.routingKey.length);
      if (self.request.retries < 2) throw self.retry({ countdown: 1.2 });
      return self.request.retries;
    });
    const workers: Worker[] = [];
    const start = (options: WorkerOptions = {}): Promise<Worker> => {
      const worker = new Worker(app, { hostname: `w${workers.length}@${queue}`, concurrency: 4, ...options });
      workers.push(worker);
      return worker.start();
    };
    onTestFinished(async () => {
      await Promise.all(workers.map((worker) => worker.stop({ mode: 'cold' })));
      await app.close();
    });
    return { app, queue, now, add, again, start, delays };
  }
  const topic = { taskDefaultExchangeType: 'topic' };
  const queueInfo = (name: string): Promise<Record<string, unknown>> =>
    management('GET', `/api/queues/${vhost!.name}/${name}`) as Promise<Record<string, unknown>>;

  test('tasks run from one, many at once, with a limit for each consumer', async () => {
    const { app, add, queue, start } = setUp();
    await start();
    const results = await app.sendMany(Array.from({ length: 500 }, (_, i) => add.si(i, 1)));
    expect(await Promise.all(results.map((result) => result.get({ timeout: 20 })))).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    expect(await queueInfo(queue)).toMatchObject({ type: 'quorum', durable: true });
  });

  test('a worker takes from a classic and a quorum queue at once', async () => {
    const { add, queue, start } = setUp();
    const classic = queueName();
    await start({ queues: [classic, queue] });
    const results = await Promise.all([add.applyAsync([1, 1], { queue: classic }), add.delay(2, 2)]);
    expect(await Promise.all(results.map((result) => result.get({ timeout: 10 })))).toEqual([2, 4]);
    expect(await queueInfo(classic)).toMatchObject({ type: 'classic' });
  });

  test('a countdown waits in the broker, in no worker', async () => {
    const { now, queue, start, app } = setUp(topic);
    const worker = await start();
    const sentAt = Date.now();
    const far = await now.applyAsync([], { countdown: '10d' });
    const soon = await now.applyAsync([], { countdown: 2.3 });
    expect((await soon.get({ timeout: 15 })) - sentAt).toBeGreaterThanOrEqual(2290);
    await using link = await coreOf(app).openLink('test');
    const channel = await (await link.connection()).openChannel();
    // 864,000 s are 2^19 and something more: there it waits first.
    expect(await channel.queueInfo('celery_delayed_19')).toMatchObject({ messages: 1 });
    expect(await channel.queueInfo(queue)).toMatchObject({ messages: 0 });
    expect(worker.stats()).toMatchObject({ total: { 'proj.now': 1 } });
    expect(await far.state()).toBe('PENDING');
    await channel.purge('celery_delayed_19');
  });

  test('a countdown below one second works, and one that is too long is refused', async () => {
    const { now, start } = setUp(topic);
    await start();
    const sentAt = Date.now();
    expect((await (await now.applyAsync([], { countdown: 0.4 })).get({ timeout: 10 })) - sentAt).toBeGreaterThanOrEqual(390);
    await expect(now.applyAsync([], { countdown: 2 ** 28 + 10 })).rejects.toThrow(/268435455 s \(8.5 years\) at most/);
  });

  test('retries wait there too, and their routing keys do not grow', async () => {
    const { again, start, delays } = setUp(topic);
    await start();
    expect(await (await again.delay()).get({ timeout: 20 })).toBe(2);
    expect(delays).toHaveLength(3);
    expect(delays[1]).toBe(delays[2]);
  });

  test('without a worker so far a producer makes what a delayed task needs', async () => {
    const { now, start } = setUp(topic);
    const sentAt = Date.now();
    const result = await now.applyAsync([], { countdown: 1.1 });
    await start();
    expect((await result.get({ timeout: 15 })) - sentAt).toBeGreaterThanOrEqual(1090);
  });

  test.skipIf(python === undefined)('a worker of Python’s and ours share one, and delayed tasks go both ways', async () => {
    const { app, queue, start } = setUp(topic);
    app.task('proj.where', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return 'ts';
    });
    await start({ concurrency: 2 });
    const environment = { ...process.env, QUORUM_BROKER: vhost!.url, QUORUM_QUEUE: queue, PYTHONPATH: join(import.meta.dirname, '../interop/python') };
    const child = spawn(
      python!,
      ['-m', 'celery', '-A', 'quorum', 'worker', '-n', `py@${queue}`, '-Q', `${queue},${queue}-py`, '-c', '2', '-P', 'threads', '-l', 'INFO'],
      {
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise((resolve) => child.on('exit', resolve));
    onTestFinished(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    await expect.poll(() => output, { timeout: 30_000 }).toMatch(/ready\./);
    const results = await Promise.all(Array.from({ length: 60 }, () => app.sendTask<string>('proj.where', [])));
    const places = await Promise.all(results.map((result) => result.get({ timeout: 20 })));
    expect(new Set(places)).toEqual(new Set(['ts', 'py']));
    // Ours with a countdown reach Python, and Python's reach us, whichever of them is first.
    const both = new Set(['ts', 'py']);
    const later = await Promise.all(Array.from({ length: 16 }, () => app.sendTask<string>('proj.where', [], { countdown: 1.5 })));
    expect(new Set(await Promise.all(later.map((result) => result.get({ timeout: 20 }))))).toEqual(both);
    const ids = Array.from({ length: 16 }, () => crypto.randomUUID());
    const sentAt = Date.now();
    await app.sendTask('proj.sends_later', [ids], { queue: new Queue(`${queue}-py`, { noDeclare: true }) });
    expect(new Set(await Promise.all(ids.map((id) => app.AsyncResult<string>(id).get({ timeout: 20 }))))).toEqual(both);
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(1490);
  });
});
