import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Queue } from '../../src/messaging/entities.ts';
import type { Delivery } from '../../src/transports/transport.ts';
import { textOf } from '../../src/serialization/body.ts';
import { Worker, type WorkerOptions } from '../../src/worker/worker.ts';
import { management, noRabbit, rabbitVhost } from '../support/rabbitmq.ts';
import { queueName } from '../support/roads.ts';

const vhost = await rabbitVhost();
if (noRabbit !== undefined) console.warn(`skipped: ${noRabbit}`);

/* What is RabbitMQ's own about a worker; all else is in worker.test.ts. */
describe.skipIf(vhost === undefined)('a worker on RabbitMQ', () => {
  function setUp(settings: Record<string, unknown> = {}) {
    const queue = queueName();
    const app = new Celery('proj', { broker: vhost!.url, backend: 'memory://', taskDefaultQueue: queue, log: silentLogger, ...settings });
    const ran: unknown[] = [];
    const note = app.task('proj.note', { acksLate: true }, (what: string) => void ran.push(what));
    const workers: Worker[] = [];
    const start = (options: WorkerOptions = {}): Promise<Worker> => {
      const worker = new Worker(app, { hostname: `w@${queue}`, concurrency: 1, ...options });
      workers.push(worker);
      return worker.start();
    };
    onTestFinished(async () => {
      await Promise.all(workers.map((worker) => worker.stop({ mode: 'cold' })));
      await app.close();
    });
    return { app, queue, ran, note, start };
  }
  const queueInfo = (name: string): Promise<Record<string, unknown>> =>
    management('GET', `/api/queues/${vhost!.name}/${encodeURIComponent(name)}`) as Promise<Record<string, unknown>>;

  test('runs the most urgent first where the queue has priorities', async () => {
    const { note, ran, queue, start } = setUp({ taskQueueMaxPriority: 10 });
    for (const priority of [0, 9, 3, 6]) await note.applyAsync([`p${priority}`], { priority });
    expect((await queueInfo(queue))['arguments']).toEqual({ 'x-max-priority': 10 });
    await start();
    await expect.poll(() => ran).toEqual(['p9', 'p6', 'p3', 'p0']);
  });

  test('a queue with properties of its own is declared with them, and bound to its exchange', async () => {
    const name = queueName();
    const queue = new Queue(name, { exchange: `${name}-x`, exchangeType: 'topic', routingKey: 'a.#', messageTtl: '60s', maxLength: 100 });
    const { note, ran, start } = setUp({ taskQueues: [queue] });
    await note.applyAsync(['topic'], { queue: name, routingKey: 'a.b.c' });
    await start();
    await expect.poll(() => ran).toEqual(['topic']);
    expect(await queueInfo(name)).toMatchObject({ durable: true, auto_delete: false, arguments: { 'x-message-ttl': 60_000, 'x-max-length': 100 } });
  });

  test('logs in as brokerLoginMethod says', async () => {
    const { note, ran, start } = setUp({ brokerLoginMethod: 'AMQPLAIN' });
    await start();
    await note.delay('in');
    await expect.poll(() => ran).toEqual(['in']);
    await expect(setUp({ brokerLoginMethod: 'NTLM' }).start()).rejects.toThrow(/login method "NTLM" is unknown; expected one of PLAIN, AMQPLAIN, EXTERNAL/);
  });

  test('has an inbox of its own, and a second worker of the same name is told so', async () => {
    const { queue, start } = setUp();
    await start();
    expect(await queueInfo(`w@${queue}.celery.pidbox`)).toMatchObject({
      exclusive: true,
      durable: false,
      auto_delete: true,
      arguments: { 'x-expires': 10_000, 'x-message-ttl': 300_000 },
    });
    await expect(start()).rejects.toThrow(/pidbox.*belongs to another connection.*-n/s);
  });

  test('where inboxes are not exclusive, a second worker of the same name starts, and warns of it', async () => {
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (line: string) => void lines.push(line) };
    const { queue, start } = setUp({ controlQueueExclusive: false, log });
    await start();
    const namesake = `another node named w@${queue} uses the inbox w@${queue}.celery.pidbox already`;
    expect(lines.filter((line) => line.includes(namesake))).toEqual([]);
    await start();
    expect(lines.filter((line) => line.includes(namesake))).toHaveLength(1);
  });

  test('announces itself and its tasks on the topic exchange of events', async () => {
    const { app, note, queue, start } = setUp();
    const link = await coreOf(app).openLink('test');
    const channel = await (await link.connection()).openChannel();
    await channel.declareExchange({ name: 'celeryev', type: 'topic', durable: true, autoDelete: false, arguments: {} });
    const ear = `celeryev.${queue}`;
    await channel.declareQueue({ name: ear, durable: false, exclusive: true, autoDelete: true, arguments: {} });
    await channel.bind({ queue: ear, exchange: 'celeryev', routingKey: '#', arguments: {} });
    const heard: string[] = [];
    const hear = ({ message, routingKey }: Delivery): void => {
      if (message.headers['hostname'] !== `w@${queue}`) return;
      const text = textOf(message.body, message.contentEncoding);
      const events = [JSON.parse(text)].flat() as readonly { readonly type: string }[];
      for (const { type } of events) heard.push(`${routingKey} ${type}`);
    };
    await channel.consume(ear, hear, { noAck: true });
    const worker = await start({ taskEvents: true });
    await note.delay('seen');
    await expect.poll(() => heard).toContain('task.multi task-succeeded');
    await worker.stop();
    await expect.poll(() => heard).toContain('worker.offline worker-offline');
    expect(heard).toEqual(expect.arrayContaining(['worker.online worker-online', 'task.multi task-received', 'task.multi task-started']));
    await link.close();
  });

  test('takes no more than it has room for, and more once tasks prove short', async () => {
    const { app, note, queue, ran, start } = setUp();
    let open!: () => void;
    const gate = app.task('proj.gate', () => {
      ran.push('gate');
      return new Promise<void>((resolve) => (open = resolve));
    });
    await gate.delay();
    await app.sendMany(Array.from({ length: 50 }, (_, i) => note.si(String(i))));
    await start();
    await expect.poll(() => ran).toEqual(['gate']);
    await using link = await coreOf(app).openLink('test');
    const channel = await (await link.connection()).openChannel();
    expect(await channel.queueInfo(queue)).toMatchObject({ messages: 50 });
    open();
    await expect.poll(() => ran).toHaveLength(51);
    await expect.poll(async () => (await channel.queueInfo(queue))?.messages).toBe(0);
  });
});
