import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../kernel/clock.ts';
import { LamportClock } from '../kernel/lamport-clock.ts';
import { silentLogger } from '../kernel/logger.ts';
import { openLink } from '../messaging/connection.ts';
import { createSerializerRegistry } from '../serialization/index.ts';
import { transport } from '../transports/memory/index.ts';
import type { Channel, Delivery } from '../transports/transport.ts';
import { EventDispatcher, field } from './dispatcher.ts';

async function setUp() {
  const link = openLink({
    ...{ transport, urls: [new URL(`memory://${crypto.randomUUID()}`)], maxRetries: null, owner: crypto.randomUUID(), timeoutMs: 1000, heartbeatMs: 0 },
    ...{ transportOptions: {}, clock: systemClock, log: silentLogger, role: 'test', maxMessageBytes: 1e6 },
  });
  const events = new EventDispatcher({
    ...{ link, clock: systemClock, log: silentLogger, lamport: new LamportClock(), serializers: createSerializerRegistry() },
    ...{ exchange: 'celeryev', serializer: 'json', hostname: 'w"1"@box', pid: 17 },
  });
  const channel = await (await link.connection()).openChannel();
  const heard: Delivery[] = [];
  const queue = { name: 'monitor', durable: false, exclusive: true, autoDelete: true, arguments: {} };
  await channel.declareExchange({ name: 'celeryev', type: 'fanout', durable: true, autoDelete: false, arguments: {} });
  await channel.declareQueue(queue);
  await channel.bind({ queue: 'monitor', exchange: 'celeryev', routingKey: '#', arguments: {} });
  await channel.consume('monitor', (delivery) => void heard.push(delivery), { noAck: true });
  onTestFinished(() => link.close());
  const bodies = (): unknown[] => heard.map(({ message: { body } }) => JSON.parse('text' in body ? body.text : '') as unknown);
  return { events, heard, bodies, link };
}

test('events of one tick travel as one list, with everything that receivers look at', async () => {
  const { events, heard, bodies } = await setUp();
  await events.open();
  events.sendsTasks = true;
  events.task('task-started', 'id-1', '');
  events.task('task-succeeded', 'id-2', `${field('result', 'naïve "\n" text')},"runtime":0.5`);
  await expect.poll(() => heard.length).toBe(1);
  const common = { hostname: 'w"1"@box', pid: 17, utcoffset: new Date().getTimezoneOffset() / 60, timestamp: expect.any(Number) as number };
  expect(bodies()).toEqual([
    [
      { ...common, clock: 1, uuid: 'id-1', type: 'task-started' },
      { ...common, clock: 2, uuid: 'id-2', result: 'naïve "\n" text', runtime: 0.5, type: 'task-succeeded' },
    ],
  ]);
  expect(heard[0]).toMatchObject({ exchange: 'celeryev', routingKey: 'task.multi', message: { headers: { hostname: 'w"1"@box' } } });
});

test('says nothing about tasks until somebody asks, but always about the worker', async () => {
  const { events, heard, bodies } = await setUp();
  await events.open();
  events.task('task-started', 'id-1', '');
  events.worker('worker-heartbeat', { freq: 2, loadavg: [0.1, 0.2, 0.3] });
  await expect.poll(() => heard.length).toBe(1);
  expect(bodies()).toMatchObject([{ type: 'worker-heartbeat', freq: 2, loadavg: [0.1, 0.2, 0.3] }]);
  expect(heard[0]!.routingKey).toBe('worker.heartbeat');
});

test('what happened while it was closed goes out when it opens, at most 200 in a message', async () => {
  const { events, bodies } = await setUp();
  events.sendsTasks = true;
  for (let i = 0; i < 450; i++) events.task('task-started', String(i), '');
  await events.open();
  await events.close();
  await expect.poll(() => bodies().map((body) => (body as unknown[]).length)).toEqual([200, 200, 50]);
});

test('a channel that was lost is opened again, however much waits already', async () => {
  const { events, heard, link } = await setUp();
  const channels: Channel[] = [];
  const connection = await link.connection();
  const open = connection.openChannel.bind(connection);
  connection.openChannel = async () => {
    channels.push(await open());
    return channels.at(-1)!;
  };
  await events.open();
  events.sendsTasks = true;
  await channels[0]![Symbol.asyncDispose]();
  // Within the second in which no channel is tried for; then one by one, as nothing else happens.
  for (let i = 0; i < 250; i++) events.task('task-started', String(i), '');
  await expect
    .poll(
      () => {
        events.task('task-started', 'more', '');
        return heard.length;
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(1);
  expect(channels).toHaveLength(2);
}, 30_000);
