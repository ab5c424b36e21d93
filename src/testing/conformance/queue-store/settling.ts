import assert from 'node:assert/strict';
import type { Case } from '../suite.ts';
import { drain, messageOf, type QueueStoreHarness, storeWith, take, takeOne, textOf, textsOf } from './harness.ts';

/** What the verdicts do. */
export const settlingCases: readonly Case<QueueStoreHarness>[] = [
  {
    name: 'what is held is seen by nobody else',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a']);
      const reservation = await takeOne(store, 'q');
      assert.equal(reservation.redelivered, false);
      assert.equal(await store.size('q'), 0);
      assert.deepEqual(await take(await harness.open(), 'q'), []);
    },
  },
  {
    name: 'an acknowledged message is gone for good',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a', 'b']);
      await store.settle(await takeOne(store, 'q'), 'ack');
      assert.deepEqual(textsOf(await drain(store, 'q')), ['b']);
      const peer = await harness.open();
      await harness.elapse(harness.times.leaseMs + harness.times.lookMs);
      await peer.recover(100);
      await harness.elapse(harness.times.lookMs * 1.5);
      await peer.recover(100);
      assert.deepEqual(textsOf(await drain(peer, 'q')), ['b']);
    },
  },
  {
    name: 'a requeued message goes behind the others, and is marked',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a', 'b', 'c']);
      await store.settle(await takeOne(store, 'q'), 'requeue');
      assert.equal(await store.size('q'), 3);
      const all = await drain(store, 'q');
      assert.deepEqual(textsOf(all), ['b', 'c', 'a']);
      assert.deepEqual(
        all.map((one) => one.redelivered),
        [false, false, true],
      );
    },
  },
  {
    name: 'a returned message is the next to be taken, and is marked',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a', 'b', 'c']);
      await store.settle(await takeOne(store, 'q'), 'return');
      const all = await drain(store, 'q');
      assert.deepEqual(textsOf(all), ['a', 'b', 'c']);
      assert.deepEqual(
        all.map((one) => one.redelivered),
        [true, false, false],
      );
    },
  },
  {
    name: 'messages returned within one tick keep their order',
    async run(harness) {
      const texts = Array.from({ length: 30 }, (_, n) => `m${n}`);
      const store = await storeWith(harness, 'q', texts);
      const held = await take(store, 'q', 20);
      await Promise.all(held.map((one) => store.settle(one, 'return')));
      assert.deepEqual(textsOf(await drain(store, 'q')), texts);
    },
  },
  {
    name: 'a message keeps everything when it comes again',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      const sent = messageOf('ä', {
        headers: { task: 'proj.add', id: '1' },
        properties: { correlationId: 'c', replyTo: 'r', priority: 3, persistent: true },
      });
      await store.put('q', sent, { route: { exchange: 'x', routingKey: 'k.l' } });
      for (const verdict of ['requeue', 'return', 'return'] as const) await store.settle(await takeOne(store, 'q'), verdict);
      const { message, route, redelivered, queue } = await takeOne(store, 'q');
      assert.equal(textOf(message), 'ä');
      assert.equal(message.headers['task'], 'proj.add');
      assert.equal(message.contentType, 'text/plain');
      assert.deepEqual([message.properties.correlationId, message.properties.replyTo, message.properties.priority], ['c', 'r', 3]);
      assert.deepEqual(route, { exchange: 'x', routingKey: 'k.l' });
      assert.deepEqual([redelivered, queue], [true, 'q']);
    },
  },
  {
    name: 'a returned message keeps its priority',
    skip: (harness) => (harness.capabilities.priorityLevels < 2 ? 'this transport has no priorities' : undefined),
    async run(harness) {
      const [soon, late] = harness.firstPriority === 'highest' ? [9, 0] : [0, 9];
      const store = await storeWith(harness, 'q');
      await store.put('q', messageOf('late', { properties: { priority: late } }));
      await store.settle(await takeOne(store, 'q'), 'return');
      await store.put('q', messageOf('soon', { properties: { priority: soon } }));
      assert.deepEqual(textsOf(await drain(store, 'q')), ['soon', 'late']);
    },
  },
  {
    name: 'a dead message comes to nobody again',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a', 'b']);
      await store.settle(await takeOne(store, 'q'), 'dead');
      assert.equal(await store.size('q'), 1);
      assert.deepEqual(textsOf(await drain(store, 'q')), ['b']);
      const peer = await harness.open();
      assert.deepEqual(await take(peer, 'q'), []);
    },
  },
  {
    name: 'settling twice does nothing the second time',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a']);
      const reservation = await takeOne(store, 'q');
      await store.settle(reservation, 'ack');
      await store.settle(reservation, 'requeue');
      assert.equal(await store.size('q'), 0);
      assert.deepEqual(await take(store, 'q'), []);
    },
  },
  {
    name: 'settles in any order, many in one tick',
    async run(harness) {
      const texts = Array.from({ length: 700 }, (_, n) => `m${n}`);
      const store = await storeWith(harness, 'q');
      await Promise.all(texts.map((text) => store.put('q', messageOf(text))));
      const held = await drain(store, 'q', 200);
      await Promise.all(held.toReversed().map((one, n) => store.settle(one, n % 7 === 0 ? 'requeue' : 'ack')));
      assert.equal(await store.size('q'), 100);
      const again = await drain(store, 'q');
      assert.equal(again.length, 100);
      assert(again.every((one) => one.redelivered));
    },
  },
  {
    name: 'settles that go out with a take are done when it has answered or soon after',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a', 'b']);
      const first = await takeOne(store, 'q');
      const settled = store.settle(first, 'ack');
      const second = await takeOne(store, 'q');
      await settled;
      assert.equal(textOf(second.message), 'b');
      assert.deepEqual(await take(store, 'q'), []);
    },
  },
  {
    name: 'a settle that nobody waits for is not lost when the store is closed',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a']);
      const settled = store.settle(await takeOne(store, 'q'), 'return');
      await store[Symbol.asyncDispose]();
      await settled;
      assert.deepEqual(textsOf(await take(await harness.open(), 'q')), ['a']);
    },
  },
];
