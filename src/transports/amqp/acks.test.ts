import { expect, test } from 'vitest';
import type { AmqpChannel, AmqpMessage } from '../../clients/amqp/channel.ts';
import { Acks } from './acks.ts';
import { AmqpDelivery } from './delivery.ts';

test('what an older message holds back is settled when its ack has left: whoever hears of it may close the channel', async () => {
  const { acks, sent, delivery } = channelWith(2);
  await delivery(2).settle('ack');
  expect(sent).toEqual([{ deliveryTag: 2 }]);
  await delivery(1).settle('ack');
  expect(sent).toEqual([{ deliveryTag: 2 }, { deliveryTag: 1, multiple: true }]);
  expect(acks.holdsUpTo(acks.newest)).toBe(false);
});

test('a finished prefix leaves as one ack', async () => {
  const { acks, sent, delivery } = channelWith(4);
  await Promise.all([3, 1, 2].map((tag) => delivery(tag).settle('ack')));
  expect(sent).toEqual([{ deliveryTag: 3, multiple: true }]);
  expect([acks.newest, acks.holdsUpTo(3), acks.holdsUpTo(4)]).toEqual([4, false, true]);
});

/** A channel that has brought so many messages, and notes what it is given to send. */
function channelWith(count: number) {
  const sent: unknown[] = [];
  const channel = { closed: new Promise(() => undefined), send: (_method: string, fields: unknown) => sent.push(fields) };
  const acks = new Acks(channel as unknown as AmqpChannel);
  const deliveries = Array.from({ length: count }, (_, n) => new AmqpDelivery('q', { deliveryTag: n + 1, properties: {} } as AmqpMessage, acks));
  for (const delivery of deliveries) acks.delivered(delivery);
  return { acks, sent, delivery: (tag: number) => deliveries[tag - 1]! };
}
