import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../kernel/clock.ts';
import { silentLogger } from '../kernel/logger.ts';
import type { WireMessage } from '../protocol/wire-message.ts';
import { transport } from '../transports/memory/index.ts';
import type { Delivery } from '../transports/transport.ts';
import { openLink } from './connection.ts';
import { Consumer } from './consumer.ts';
import type { Declaration } from './outgoing.ts';

const message = (text: string): WireMessage => ({ body: { text }, contentType: 'application/json', contentEncoding: 'utf-8', headers: {}, properties: {} });
const declaration = (name: string): Declaration => ({ queue: { name, durable: true, exclusive: false, autoDelete: false, arguments: {} }, bindings: [] });
const textOf = ({ message: { body } }: Delivery): string => ('text' in body ? body.text : '');

async function setUp() {
  const link = openLink({
    ...{ transport, urls: [new URL(`memory://${crypto.randomUUID()}`)], maxRetries: null, owner: crypto.randomUUID(), timeoutMs: 1000, heartbeatMs: 0 },
    ...{ transportOptions: {}, clock: systemClock, log: silentLogger, role: 'test', maxMessageBytes: 1e6 },
  });
  const deliveries: Delivery[] = [];
  const consumer = new Consumer({ link, clock: systemClock, log: silentLogger, onDelivery: (delivery) => void deliveries.push(delivery) });
  const channel = await (await link.connection()).openChannel();
  onTestFinished(async () => {
    await consumer.stop();
    await link.close();
  });
  const texts = (): readonly string[] => deliveries.map(textOf);
  return { link, consumer, channel, deliveries, texts };
}

test('declares its queues and hands over what comes', async () => {
  const { consumer, channel, texts } = await setUp();
  await consumer.add('a', declaration('a'));
  await consumer.start();
  await consumer.add('b', declaration('b'));
  await channel.publish(message('1'), '', 'a');
  await channel.publish(message('2'), '', 'b');
  await expect.poll(texts).toEqual(['1', '2']);
});

test('subscribes again when its queue was deleted under it', async () => {
  const { consumer, channel, texts } = await setUp();
  await consumer.add('a', declaration('a'));
  await consumer.start();
  await consumer.channel?.deleteQueue('a');
  await channel.declareQueue(declaration('a').queue!);
  await channel.publish(message('after'), '', 'a');
  await expect.poll(texts).toEqual(['after']);
});

test('subscribes again on a new channel when the broker closes its own', async () => {
  const { consumer, channel, texts } = await setUp();
  await consumer.add('a', declaration('a'));
  await consumer.start();
  const first = consumer.channel!;
  await first[Symbol.asyncDispose]();
  await expect.poll(() => consumer.channel !== undefined && consumer.channel !== first).toBe(true);
  await channel.publish(message('after'), '', 'a');
  await expect.poll(texts).toEqual(['after']);
});

test('takes no more than its prefetch, and nothing after a pause', async () => {
  const { consumer, channel, deliveries, texts } = await setUp();
  await consumer.add('a', declaration('a'));
  consumer.setPrefetch(1);
  await consumer.start();
  await channel.publish(message('1'), '', 'a');
  await channel.publish(message('2'), '', 'a');
  await expect.poll(texts).toEqual(['1']);
  await consumer.pause();
  await deliveries[0]!.settle('ack');
  expect((await channel.queueInfo('a'))?.messages).toBe(1);
  expect(texts()).toEqual(['1']);
});

test('a prefetch that changes while it subscribes counts', async () => {
  const { consumer, channel, texts } = await setUp();
  await channel.declareQueue(declaration('a').queue!);
  await channel.publish(message('1'), '', 'a');
  await consumer.add('a', declaration('a'));
  consumer.setPrefetch(0);
  const started = consumer.start();
  // The channel is there, and has been told 0; the broker is still asked about the queue.
  for (let turn = 0; turn < 3; turn++) await Promise.resolve();
  const opened = consumer.channel === undefined;
  consumer.setPrefetch(1);
  await started;
  expect(opened).toBe(true);
  await expect.poll(texts).toEqual(['1']);
});

test('throws what makes the first subscription impossible', async () => {
  const { consumer, channel } = await setUp();
  const exchange = { name: 'x', type: 'direct', durable: true, autoDelete: false, arguments: {} } as const;
  await channel.declareExchange(exchange);
  await consumer.add('a', { ...declaration('a'), exchange: { ...exchange, type: 'fanout' } });
  await expect(consumer.start()).rejects.toThrow(/x/);
});
