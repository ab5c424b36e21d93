import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { chord } from '../../src/canvas/chord.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { Delivery } from '../../src/transports/transport.ts';
import { textOf } from '../../src/serialization/body.ts';
import { Worker } from '../../src/worker/worker.ts';
import { management, noRabbit, rabbitVhost } from '../support/rabbitmq.ts';
import { queueName } from '../support/roads.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const vhost = await rabbitVhost();
if (noRabbit !== undefined) console.warn(`skipped: ${noRabbit}`);

/* Results that are sent back to their callers over RabbitMQ. */
describe.skipIf(vhost === undefined)('rpc://', () => {
  async function setUp() {
    const queue = queueName();
    const settings = { backend: 'rpc://', taskDefaultQueue: queue, log: silentLogger };
    const make = (broker = vhost!.url): Celery => {
      const app = new Celery('proj', { broker, ...settings });
      onTestFinished(() => app.close());
      return app;
    };
    const working = make();
    const add = working.task('proj.add', (x: number, y: number) => x + y);
    working.task('proj.steps', async function () {
      await this.progress(1, 2);
      return 'done';
    });
    working.task('proj.calls', async function () {
      const inner = await add.delay(2, 3);
      return inner.get({ timeout: 5, disableSyncSubtasks: false });
    });
    const worker = new Worker(working, { hostname: `w@${queue}`, concurrency: 4 });
    onTestFinished(() => worker.stop({ mode: 'cold' }));
    await worker.start();
    return { queue, make, add, working };
  }
  const replyQueues = async (): Promise<readonly Record<string, unknown>[]> => {
    const queues = (await management('GET', `/api/queues/${vhost!.name}`)) as readonly Record<string, unknown>[];
    return queues.filter(({ name }) => /^[0-9a-f-]{36}$/.test(String(name)));
  };

  // features: 5-071 5-080
  test('many waiters, one queue: declared as Celery 5.7 does before the first message leaves', async () => {
    const { make } = await setUp();
    const app = make();
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => app.sendTask('proj.add', [i, 1])));
    expect(await Promise.all(results.map((result) => result.get({ timeout: 10 })))).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    const { replyTo } = await coreOf(app).backend();
    const own = (await replyQueues()).filter(({ name }) => name === replyTo);
    expect(own).toMatchObject([{ durable: true, auto_delete: true, exclusive: false, arguments: { 'x-expires': 86_400_000 } }]);
  });

  test('a result that nobody waited for is there when somebody asks', async () => {
    const { make } = await setUp();
    const app = make();
    const late = await app.sendTask('proj.add', [20, 3]);
    await (await app.sendTask('proj.add', [0, 0])).get({ timeout: 10 });
    await expect.poll(() => app.AsyncResult(late.id).state()).toBe('SUCCESS');
    expect(await app.AsyncResult(late.id).get({ timeout: 0 })).toBe(23);
    expect(await app.AsyncResult('of another').state()).toBe('PENDING');
  });

  test('states on the way reach the caller, in order', async () => {
    const { make } = await setUp();
    const app = make();
    const backend = await coreOf(app).backend();
    const result = await app.sendTask('proj.steps');
    const seen: string[] = [];
    for await (const meta of backend.watch([result.id], { states: 'all', signal: AbortSignal.timeout(10_000) })) seen.push(meta.status);
    expect(seen.at(-1)).toBe('SUCCESS');
    expect(['PROGRESS,SUCCESS', 'SUCCESS']).toContain(seen.join());
  });

  test('every link of a chain, and members of a group, answer the caller', async () => {
    const { make, add } = await setUp();
    const app = make();
    const remote = app.declare<(x: number, y: number) => number>('proj.add');
    const chained = await remote.s(1, 1).pipe(remote.s(10)).pipe(remote.s(100)).delay();
    expect(await chained.get({ timeout: 10 })).toBe(112);
    expect(await chained.parent!.get({ timeout: 10 })).toBe(12);
    expect(add.name).toBe('proj.add');
  });

  test('a task that calls another gets its answer in the worker', async () => {
    const { make } = await setUp();
    const result = await make().sendTask('proj.calls');
    expect(await result.get({ timeout: 10 })).toBe(5);
  });

  test('chords and saved groups are refused, and say what to do', async () => {
    const { working } = await setUp();
    const backend = await coreOf(working).backend();
    await expect(backend.saveGroup('g', [])).rejects.toThrow(/rpc:\/\/ stores nothing.*redis:\/\//);
    await expect(backend.loadGroup('g')).rejects.toThrow(/rpc:\/\/ stores nothing/);
    expect(backend.capabilities.chords).toBe('none');
    expect(backend.chords).toBeUndefined();
  });

  test('a chord is refused before anything of it is sent', async () => {
    const { make, queue } = await setUp();
    const app = make();
    const add = app.declare<(x: number, y: number) => number>('proj.add');
    await expect(chord([add.s(1, 1), add.s(2, 2)], app.declare<(values: readonly number[]) => number>('proj.sum').s()).applyAsync({ queue })).rejects.toThrow(
      /chords are not possible with this result backend: use one that stores results, such as redis:\/\//,
    );
    expect(await (await app.sendTask('proj.add', [1, 2])).get({ timeout: 10 })).toBe(3);
  });

  describe('from children of a prefork worker', { timeout: 60_000 }, () => {
    async function setUpChildren() {
      const queue = queueName();
      Object.assign(process.env, { RPC_TEST_URL: vhost!.url, RPC_TEST_QUEUE: queue });
      const { app: working } = (await import('./rpc-tasks.ts')) as { readonly app: Celery };
      const worker = new Worker(working, { hostname: `w@${queue}`, concurrency: 2, pool: 'processes', appModule: join(import.meta.dirname, 'rpc-tasks.ts') });
      const app = new Celery('proj', { broker: vhost!.url, backend: 'rpc://', taskDefaultQueue: queue, log: silentLogger });
      onTestFinished(async () => {
        await worker.stop({ mode: 'cold' });
        await Promise.all([app.close(), working.close()]);
      });
      await worker.start();
      return app;
    }

    test('values, states on the way and errors reach the caller; a child that calls gets its answer', async () => {
      const app = await setUpChildren();
      const pids = await Promise.all(Array.from({ length: 50 }, async () => (await app.sendTask('proj.pid')).get({ timeout: 30 })));
      expect(pids).not.toContain(process.pid);
      const backend = await coreOf(app).backend();
      const steps = await app.sendTask('proj.steps');
      const seen: string[] = [];
      for await (const meta of backend.watch([steps.id], { states: 'all', signal: AbortSignal.timeout(30_000) })) seen.push(meta.status);
      expect(seen.at(-1)).toBe('SUCCESS');
      await expect((await app.sendTask('proj.fails')).get({ timeout: 30 })).rejects.toThrow('too far');
      expect(await (await app.sendTask('proj.calls')).get({ timeout: 30 })).toBe(5);
      await expect((await app.sendTask('proj.chord')).get({ timeout: 30 })).rejects.toThrow(/chords are not possible with this result backend/);
    });
  });

  test('the message is the full meta, not persistent, under the id of its task', async () => {
    const { make, queue } = await setUp();
    const app = make();
    await using link = await coreOf(app).openLink('test');
    const channel = await (await link.connection()).openChannel();
    const name = `answers-${queue}`;
    await channel.declareQueue({ name, durable: false, exclusive: true, autoDelete: true, arguments: {} });
    const heard: Delivery[] = [];
    await channel.consume(name, (delivery) => void heard.push(delivery), { noAck: true });
    const { id } = await app.sendTask('proj.add', [2, 2], { replyTo: name });
    await expect.poll(() => heard.length).toBe(1);
    const { message, exchange, routingKey } = heard[0]!;
    expect({ exchange, routingKey }).toEqual({ exchange: '', routingKey: name });
    expect(message).toMatchObject({ contentType: 'application/json', contentEncoding: 'utf-8', headers: {} });
    expect(message.properties).toEqual({ correlationId: id, persistent: false, priority: 0 });
    const meta = JSON.parse(textOf(message.body, message.contentEncoding)) as Record<string, unknown>;
    expect(meta).toMatchObject({ task_id: id, status: 'SUCCESS', result: 4, traceback: null, children: [] });
    expect(meta['date_done']).toMatch(/^\d{4}-.*\+00:00$/);
  });

  test('after a lost connection the queue is there again, and results come', async () => {
    const { make } = await setUp();
    await using proxy = await TcpProxy.to(vhost!.port);
    const url = new URL(vhost!.url);
    url.port = String(proxy.port);
    const app = make(url.href);
    expect(await (await app.sendTask('proj.add', [1, 1])).get({ timeout: 10 })).toBe(2);
    proxy.reset();
    const backend = await coreOf(app).backend();
    await expect.poll(() => backend.listening!()).toBeUndefined();
    expect(await (await app.sendTask('proj.add', [2, 2])).get({ timeout: 10 })).toBe(4);
    await app.close();
  });
});
