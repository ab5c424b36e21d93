import { expect, onTestFinished, test } from 'vitest';
import { coreOf } from '../../src/app/core.ts';
import { Celery } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { Delivery } from '../../src/transports/transport.ts';
import { queueName, roads } from '../support/roads.ts';

/** An app that calls, and what is heard on the exchange for events meanwhile. */
async function setUp(road: (typeof roads)[number], settings: object) {
  const { broker, close } = road.open();
  const queue = queueName();
  const eventExchange = `events-${queue}`;
  const app = new Celery('t', { broker, taskDefaultQueue: queue, eventExchange, log: silentLogger, ...settings });
  const core = coreOf(app);
  const link = await core.openLink('test');
  const channel = await (await link.connection()).openChannel();
  const type = link.transport.capabilities.broadcast as 'topic' | 'fanout';
  const heard: Delivery[] = [];
  await channel.declareExchange({ name: eventExchange, type, durable: true, autoDelete: false, arguments: {} });
  await channel.declareQueue({ name: `${queue}-ear`, durable: false, exclusive: true, autoDelete: true, arguments: {} });
  await channel.bind({ queue: `${queue}-ear`, exchange: eventExchange, routingKey: '#', arguments: {} });
  channel.setPrefetch(10);
  await channel.consume(`${queue}-ear`, (delivery) => void heard.push(delivery), { noAck: true });
  onTestFinished(async () => {
    await channel.deleteQueue(queue);
    await app.close();
    await link.close();
    close();
  });
  const read = async () => core.serializers.decode(heard[0]!.message, { accept: ['json'], maxBytes: 1e6 });
  return { app, queue, heard, read };
}

test.each(roads)('over $name a producer tells what it has sent where taskSendSentEvent is set', async (road) => {
  if (road.skip !== undefined) return console.warn(`skipped: ${road.skip}`);
  const { app, queue, heard, read } = await setUp(road, { taskSendSentEvent: true });
  const { id } = await app.sendTask('t.add', [1, 2]);
  await app.close();
  await expect.poll(() => heard.length).toBe(1);
  expect(await read()).toMatchObject({
    type: 'task-sent',
    uuid: id,
    name: 't.add',
    args: '(1, 2)',
    kwargs: '{}',
    root_id: id,
    parent_id: null,
    retries: 0,
    queue,
  });
  expect(heard[0]!.routingKey).toBe('task.sent');
});

test.each(roads)('over $name nothing is told where it is not set', async (road) => {
  if (road.skip !== undefined) return console.warn(`skipped: ${road.skip}`);
  const { app, heard, read } = await setUp(road, {});
  await app.sendTask('t.add', [1, 2]);
  // Whatever was told would be heard before this.
  app.configure({ taskSendSentEvent: true });
  await app.sendTask('t.later', []);
  await expect.poll(() => heard.length).toBe(1);
  expect(await read()).toMatchObject({ name: 't.later' });
});
