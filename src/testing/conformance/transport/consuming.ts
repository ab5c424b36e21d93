import assert from 'node:assert/strict';
import type { Case } from '../suite.ts';
import { bind, consume, declareExchange, declareQueue, drain, messageOf, needsQueues, openChannel, textOf, type TransportHarness, until } from './harness.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `m${n}`);

/** Consumers, prefetch, verdicts, and the life of channels and connections. */
export const consumingCases: readonly Case<TransportHarness>[] = [
  {
    name: 'delivers in order, whether published before or after the consumer came',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      for (const text of numbered(300).slice(0, 150)) void channel.publish(messageOf(text), '', 'q');
      await channel.publish(messageOf('m150'), '', 'q');
      const inbox = await consume(harness, channel, 'q', { verdict: 'ack' });
      await inbox.has(151);
      await Promise.all(
        numbered(300)
          .slice(151)
          .map((text) => channel.publish(messageOf(text), '', 'q')),
      );
      await inbox.has(300);
      assert.deepEqual(inbox.texts, numbered(300));
      await until(harness, async () => (await channel.queueInfo('q'))?.messages === 0);
    },
  },
  {
    name: 'holds no more than the prefetch; each settled message makes room for one',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      for (const text of numbered(10)) await channel.publish(messageOf(text), '', 'q');
      channel.setPrefetch(3);
      const inbox = await consume(harness, channel, 'q');
      await inbox.has(3);
      assert.equal(await inbox.calm(), 3);
      await inbox.deliveries[1]!.settle('ack');
      await inbox.has(4);
      assert.equal(await inbox.calm(), 4);
      await Promise.all(inbox.deliveries.map((delivery) => delivery.settle('ack')));
      await inbox.has(7);
      assert.deepEqual(inbox.texts, numbered(7));
    },
  },
  {
    name: 'a prefetch of 0 stops, a higher one goes on',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      channel.setPrefetch(0);
      const inbox = await consume(harness, channel, 'q');
      await channel.publish(messageOf('a'), '', 'q');
      assert.equal(await inbox.calm(), 0);
      channel.setPrefetch(1);
      await inbox.has(1);
      channel.setPrefetch(0);
      await inbox.deliveries[0]!.settle('ack');
      await channel.publish(messageOf('b'), '', 'q');
      assert.equal(await inbox.calm(), 1);
      channel.setPrefetch(5);
      await inbox.has(2);
      assert.deepEqual(inbox.texts, ['a', 'b']);
      await inbox.calm();
      channel.setPrefetch(0);
      await inbox.calm();
      await channel.publish(messageOf('c'), '', 'q');
      assert.equal(await inbox.calm(), 2);
    },
  },
  {
    name: 'serves all queues of a channel, none for long at the cost of another',
    async run(harness) {
      const channel = await openChannel(harness);
      const queues = ['q1', 'q2', 'q3'];
      const within = queues.length * (harness.transport.capabilities.fairWithin ?? 2);
      const each = Math.max(20, within);
      for (const queue of queues) {
        await declareQueue(harness, channel, queue);
        await Promise.all(Array.from({ length: each }, () => channel.publish(messageOf(queue), '', queue)));
      }
      channel.setPrefetch(1);
      const order: string[] = [];
      for (const queue of queues) {
        await channel.consume(queue, (delivery) => {
          order.push(delivery.queue);
          void delivery.settle('ack');
        });
      }
      const first = order.length;
      await until(harness, () => order.length === queues.length * each);
      for (const queue of queues) {
        for (let from = first; from < order.lastIndexOf(queue); from++)
          assert(order.slice(from, from + within).includes(queue), `queue ${queue} was left behind: ${order.join(' ')}`);
      }
    },
  },
  {
    name: 'consumers of one queue share its messages, each message going to one of them',
    async run(harness) {
      const first = await openChannel(harness);
      const channels = [first, first, await openChannel(harness), await openChannel(harness)];
      await declareQueue(harness, first, 'q');
      const inboxes = await Promise.all(channels.map((channel) => consume(harness, channel, 'q', { verdict: 'ack' })));
      await Promise.all(numbered(400).map((text) => first.publish(messageOf(text), '', 'q')));
      const all = (): string[] => inboxes.flatMap((inbox) => inbox.texts);
      await until(harness, () => all().length >= 400);
      assert.deepEqual(all().toSorted(), numbered(400).toSorted());
    },
  },
  {
    name: 'a consumer that stops gets nothing more; what it has stays its own until settled',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      await channel.publish(messageOf('a'), '', 'q');
      const inbox = await consume(harness, channel, 'q');
      await inbox.has(1);
      await inbox.consuming[Symbol.asyncDispose]();
      await inbox.consuming[Symbol.asyncDispose]();
      await channel.publish(messageOf('b'), '', 'q');
      assert.equal(await inbox.calm(), 1);
      const other = await openChannel(harness);
      assert.deepEqual(await drain(other, 'q'), ['b']);
      await inbox.deliveries[0]!.settle('return');
      // Giving back has no answer on AMQP: another channel may look before the broker has heard of it.
      let back: readonly string[] = [];
      for (let looks = 0; back.length === 0 && looks < 5000; looks++) back = await drain(other, 'q');
      assert.deepEqual(back, ['a']);
    },
  },
  {
    name: 'without acknowledgements nothing is held',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      channel.setPrefetch(1);
      const inbox = await consume(harness, channel, 'q', { noAck: true });
      for (const text of ['a', 'b', 'c']) await channel.publish(messageOf(text), '', 'q');
      await inbox.has(3);
      assert.deepEqual(inbox.texts, ['a', 'b', 'c']);
      await channel[Symbol.asyncDispose]();
      assert.deepEqual(await drain(await openChannel(harness), 'q'), []);
    },
  },
  {
    name: 'verdicts: ack ends it, requeue and return bring it again, dead does not',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      const verdicts = ['ack', 'requeue', 'return', 'dead'] as const;
      for (const verdict of verdicts) await channel.publish(messageOf(verdict), '', 'q');
      const deliveries = [await channel.get('q'), await channel.get('q'), await channel.get('q'), await channel.get('q')];
      for (const [n, verdict] of verdicts.entries()) {
        assert.equal(deliveries[n]?.redelivered, false);
        await deliveries[n].settle(verdict);
        await deliveries[n].settle('requeue');
      }
      const again = [await channel.get('q'), await channel.get('q'), await channel.get('q')];
      assert.deepEqual(again.map((one) => (one === undefined ? undefined : textOf(one.message))).toSorted(), ['requeue', 'return', undefined]);
      assert(again.every((one) => one?.redelivered !== false));
      await Promise.all(again.map((one) => one?.settle('ack')));
    },
  },
  {
    name: 'a message keeps its labels on the whole way',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareExchange(channel, 'ex', 'direct');
      await declareQueue(harness, channel, 'q');
      await bind(channel, 'q', 'ex', 'key');
      const headers = { task: 'proj.add', id: 'ü', retries: 0, timelimit: [null, null], stamps: {} };
      const properties = { correlationId: 'c', replyTo: 'r', priority: 0, persistent: true };
      const inbox = await consume(harness, channel, 'q', { verdict: 'ack' });
      await channel.publish(messageOf('[]', { contentType: 'application/json', headers, headersText: JSON.stringify(headers), properties }), 'ex', 'key');
      await inbox.has(1);
      const { message, exchange, routingKey, queue } = inbox.deliveries[0]!;
      assert.deepEqual([exchange, routingKey, queue, textOf(message), message.contentType], ['ex', 'key', 'q', '[]', 'application/json']);
      assert.deepEqual({ ...message.headers }, headers);
      assert.deepEqual({ ...message.properties }, properties);
    },
  },
  {
    name: 'takes by priority what is waiting',
    skip: (harness) => (harness.transport.capabilities.priorityLevels < 2 ? 'this transport has no priorities' : needsQueues('priorities')(harness)),
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q', { arguments: { 'x-max-priority': 10 } });
      for (const priority of [0, 9, 3, 6]) await channel.publish(messageOf(String(priority), { properties: { priority } }), '', 'q');
      const expected = harness.firstPriority === 'highest' ? ['9', '6', '3', '0'] : ['0', '3', '6', '9'];
      assert.deepEqual(await drain(channel, 'q'), expected);
    },
  },
  {
    name: 'a delayed message comes when it is due',
    skip: (harness) => (harness.transport.capabilities.delayedDelivery === 'publish' ? undefined : 'this transport does not hold messages back'),
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      const inbox = await consume(harness, channel, 'q', { verdict: 'ack' });
      await channel.publish(messageOf('later'), '', 'q', { notBeforeMs: harness.now() + 400 });
      await channel.publish(messageOf('now'), '', 'q');
      await inbox.has(1);
      assert.equal(await inbox.calm(), 1);
      await inbox.has(2);
      assert.deepEqual(inbox.texts, ['now', 'later']);
    },
  },
  {
    name: 'get gives one message at a time, and undefined when there is none',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      assert.equal(await channel.get('q'), undefined);
      for (const text of ['a', 'b']) await channel.publish(messageOf(text), '', 'q');
      assert.deepEqual(await drain(channel, 'q'), ['a', 'b']);
    },
  },
  {
    name: 'counts and purges; knows a queue that was declared, and no other',
    async run(harness) {
      const channel = await openChannel(harness);
      assert.equal(await channel.queueInfo('nowhere'), undefined);
      await declareQueue(harness, channel, 'q');
      for (const text of ['a', 'b', 'c']) await channel.publish(messageOf(text), '', 'q');
      assert.equal((await channel.queueInfo('q'))?.messages, 3);
      const info = await declareQueue(harness, channel, 'q');
      assert.deepEqual([info.name, info.messages], ['q', 3]);
      assert.equal(await channel.purge('q'), 3);
      assert.equal((await channel.queueInfo('q'))?.messages, 0);
    },
  },
  {
    name: 'a queue that lives as long as its consumers goes with the last of them',
    skip: needsQueues('autoDelete'),
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'reply', { autoDelete: true });
      const inboxes = [await consume(harness, channel, 'reply'), await consume(harness, channel, 'reply')];
      await inboxes[0]!.consuming[Symbol.asyncDispose]();
      assert.notEqual(await channel.queueInfo('reply'), undefined);
      await inboxes[1]!.consuming[Symbol.asyncDispose]();
      assert.equal(await channel.queueInfo('reply'), undefined);
    },
  },
  {
    name: 'a consumer whose queue is deleted is told so',
    async run(harness) {
      const channel = await openChannel(harness);
      await declareQueue(harness, channel, 'q');
      const reasons: Error[] = [];
      await consume(harness, channel, 'q', { onCancelled: (reason) => void reasons.push(reason) });
      await channel.deleteQueue('q');
      await until(harness, () => reasons.length === 1);
    },
  },
  {
    name: 'a closed channel says so, takes nothing more, and leaves the connection alone',
    async run(harness) {
      const connection = await harness.connect();
      const channel = await connection.openChannel();
      await declareQueue(harness, channel, 'q');
      const inbox = await consume(harness, channel, 'q');
      await channel[Symbol.asyncDispose]();
      await channel[Symbol.asyncDispose]();
      assert.equal(await channel.closed, undefined);
      await assert.rejects(async () => channel.publish(messageOf('x'), '', 'q'));
      const next = await connection.openChannel();
      await next.publish(messageOf('a'), '', 'q');
      assert.equal(await inbox.calm(), 0);
      assert.deepEqual(await drain(next, 'q'), ['a']);
    },
  },
  {
    name: 'a closed connection ends its channels, and what nobody has settled goes back to the others',
    async run(harness) {
      const connection = await harness.connect();
      const channel = await connection.openChannel();
      await declareQueue(harness, channel, 'q');
      for (const text of ['a', 'b']) await channel.publish(messageOf(text), '', 'q');
      const inbox = await consume(harness, channel, 'q');
      await inbox.has(2);
      await connection[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
      assert.equal(await connection.closed, undefined);
      assert.equal(await channel.closed, undefined);
      await assert.rejects(async () => connection.openChannel());
      const other = await openChannel(harness);
      assert.deepEqual(await drain(other, 'q'), ['a', 'b']);
    },
  },
  {
    name: 'an exclusive queue goes with its connection',
    skip: needsQueues('exclusive'),
    async run(harness) {
      const connection = await harness.connect();
      await declareQueue(harness, await connection.openChannel(), 'mine', { exclusive: true });
      await connection[Symbol.asyncDispose]();
      assert.equal(await (await openChannel(harness)).queueInfo('mine'), undefined);
    },
  },
];
