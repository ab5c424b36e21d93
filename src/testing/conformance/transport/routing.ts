import assert from 'node:assert/strict';
import type { ExchangeType } from '../../../transports/transport.ts';
import type { Case } from '../suite.ts';
import { bind, consume, declareExchange, declareQueue, drain, messageOf, openChannel, type TransportHarness } from './harness.ts';

const needs =
  (type: ExchangeType) =>
  (harness: TransportHarness): string | undefined =>
    harness.transport.capabilities.exchangeTypes.has(type) ? undefined : `this transport has no ${type} exchanges`;

/** Exchanges and bindings. */
export const routingCases: readonly Case<TransportHarness>[] = [
  {
    name: 'the default exchange leads to the queue that the routing key names',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      await channel.publish(messageOf('a'), '', 'q');
      const delivery = await channel.get('q');
      assert(delivery !== undefined);
      assert.deepEqual([delivery.queue, delivery.exchange, delivery.routingKey, delivery.redelivered], ['q', '', 'q', false]);
      await delivery.settle('ack');
    },
  },
  {
    name: 'a direct exchange leads to the queues bound with that very key, each once',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareExchange(channel, 'ex', 'direct');
      for (const queue of ['q1', 'q2', 'q3']) await declareQueue(harness, channel, queue);
      await bind(channel, 'q1', 'ex', 'k');
      await bind(channel, 'q1', 'ex', 'k');
      await bind(channel, 'q2', 'ex', 'k');
      await bind(channel, 'q3', 'ex', 'k.l');
      await channel.publish(messageOf('a'), 'ex', 'k');
      await channel.publish(messageOf('b'), 'ex', 'k.l');
      await channel.publish(messageOf('c'), 'ex', 'unbound');
      const [first] = [await channel.get('q2')];
      assert.deepEqual([first?.exchange, first?.routingKey, first?.queue], ['ex', 'k', 'q2']);
      await first?.settle('ack');
      assert.deepEqual([await drain(channel, 'q1'), await drain(channel, 'q2'), await drain(channel, 'q3')], [['a'], [], ['b']]);
    },
  },
  {
    name: 'a topic exchange leads to the queues whose pattern fits, each once',
    skip: needs('topic'),
    async run(harness) {
      const channel = await openChannel(harness);
      await declareExchange(channel, 'ex', 'topic');
      const patterns = { all: ['#'], one: ['a.*'], deep: ['a.*.#', 'a.b.c'], plain: ['a-b'] };
      for (const [queue, keys] of Object.entries(patterns)) {
        await declareQueue(harness, channel, queue);
        for (const key of keys) await bind(channel, queue, 'ex', key);
      }
      for (const key of ['a.b', 'a.b.c', 'a-b', 'axb']) await channel.publish(messageOf(key), 'ex', key);
      assert.deepEqual(await drain(channel, 'all'), ['a.b', 'a.b.c', 'a-b', 'axb']);
      assert.deepEqual(await drain(channel, 'one'), ['a.b']);
      assert.deepEqual(
        (await drain(channel, 'deep')).filter((text) => text === 'a.b.c'),
        ['a.b.c'],
      );
      assert.deepEqual(await drain(channel, 'plain'), ['a-b']);
    },
  },
  {
    name: 'a fanout exchange is heard by every consumer, in every process',
    skip: needs('fanout'),
    async run(harness) {
      const sender = await openChannel(harness);
      await declareExchange(sender, 'fan', 'fanout');
      const inboxes = [];
      for (const queue of ['one', 'two', 'three']) {
        const channel = await openChannel(harness);
        await declareExchange(channel, 'fan', 'fanout');
        await declareQueue(harness, channel, queue, { autoDelete: harness.queueKind?.lacks.autoDelete === undefined });
        await bind(channel, queue, 'fan');
        inboxes.push(await consume(harness, channel, queue, { noAck: true }));
      }
      for (const text of ['a', 'b']) await sender.publish(messageOf(text), 'fan', '');
      for (const inbox of inboxes) {
        await inbox.has(2);
        assert.deepEqual(inbox.texts, ['a', 'b']);
        assert.equal(inbox.deliveries[0]!.exchange, 'fan');
      }
    },
  },
  {
    name: 'a headers exchange leads to the queues whose arguments fit',
    skip: needs('headers'),
    async run(harness) {
      const channel = await openChannel(harness);
      await declareExchange(channel, 'ex', 'headers');
      const wanted = { all: { 'x-match': 'all', a: 1, b: 'x' }, any: { 'x-match': 'any', a: 1, b: 'x' } };
      for (const [queue, given] of Object.entries(wanted)) {
        await declareQueue(harness, channel, queue);
        await channel.bind({ queue, exchange: 'ex', routingKey: '', arguments: given });
      }
      await channel.publish(messageOf('both', { headers: { a: 1, b: 'x', c: 0 } }), 'ex', '');
      await channel.publish(messageOf('half', { headers: { a: 1, b: 'y' } }), 'ex', '');
      await channel.publish(messageOf('none', { headers: { c: 1 } }), 'ex', '');
      assert.deepEqual([await drain(channel, 'all'), await drain(channel, 'any')], [['both'], ['both', 'half']]);
    },
  },
  {
    name: 'bindings made by one connection are used by the others, until they are undone',
    async run(harness) {
      const [binder, publisher] = [await openChannel(harness), await openChannel(harness)];
      for (const channel of [binder, publisher]) await declareExchange(channel, 'ex', 'direct');
      await declareQueue(harness, binder, 'q');
      await bind(binder, 'q', 'ex', 'k');
      await publisher.publish(messageOf('a'), 'ex', 'k');
      await binder.unbind({ queue: 'q', exchange: 'ex', routingKey: 'k', arguments: {} });
      await publisher.publish(messageOf('b'), 'ex', 'k');
      assert.deepEqual(await drain(binder, 'q'), ['a']);
    },
  },
  {
    name: 'a message that leads nowhere is dropped; one that must arrive is refused',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareExchange(channel, 'ex', 'direct');
      await channel.publish(messageOf('a'), 'ex', 'nowhere');
      await assert.rejects(channel.publish(messageOf('a'), 'ex', 'nowhere', { mandatory: true }));
    },
  },
  {
    name: 'an exchange that is declared anew as another type is refused: the channel ends, the connection does not',
    async run(harness) {
      const connection = await harness.connect();
      const channel = await connection.openChannel();
      await declareExchange(channel, 'ex', 'direct');
      await declareExchange(channel, 'ex', 'direct');
      await assert.rejects(declareExchange(channel, 'ex', 'topic'), { code: 'PRECONDITION_FAILED' });
      assert((await channel.closed) instanceof Error);
      await assert.rejects(async () => channel.publish(messageOf('a'), '', 'q'));
      const next = await connection.openChannel();
      await declareQueue(harness, next, 'q');
      await next.publish(messageOf('a'), '', 'q');
      assert.deepEqual(await drain(next, 'q'), ['a']);
    },
  },
  {
    name: 'a deleted exchange leads nowhere, a deleted queue takes its messages and bindings along',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareExchange(channel, 'ex', 'direct');
      for (const queue of ['q1', 'q2']) {
        await declareQueue(harness, channel, queue);
        await bind(channel, queue, 'ex', 'k');
      }
      await channel.publish(messageOf('a'), 'ex', 'k');
      await channel.deleteQueue('q1');
      await declareQueue(harness, channel, 'q1');
      await channel.publish(messageOf('b'), 'ex', 'k');
      assert.deepEqual([await drain(channel, 'q1'), await drain(channel, 'q2')], [[], ['a', 'b']]);
      await channel.deleteExchange('ex');
      await declareExchange(channel, 'ex', 'direct');
      await channel.publish(messageOf('c'), 'ex', 'k');
      assert.deepEqual(await drain(channel, 'q2'), []);
    },
  },
];
