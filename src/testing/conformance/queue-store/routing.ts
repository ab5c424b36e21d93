import assert from 'node:assert/strict';
import type { Binding } from '../../../transports/transport.ts';
import type { Case } from '../suite.ts';
import { messageOf, type QueueStoreHarness, textOf } from './harness.ts';

const bindingOf = (exchange: string, routingKey: string, queue: string): Binding => ({ exchange, routingKey, queue, arguments: {} });
const pairs = (bindings: readonly Binding[]): string[] => bindings.map((one) => `${one.routingKey}>${one.queue}`).toSorted();

const hasBroadcast = (harness: QueueStoreHarness): string | undefined =>
  harness.capabilities.exchangeTypes.has('fanout') ? undefined : 'this transport has no fanout';

/** Bindings and broadcasts. */
export const routingCases: readonly Case<QueueStoreHarness>[] = [
  {
    name: 'bindings are seen by everybody, each once, until they are removed',
    async run(harness) {
      const store = await harness.open();
      const other = await harness.open();
      assert.deepEqual(await store.bindings.of('ex'), []);
      for (const [key, queue] of [
        ['k', 'q1'],
        ['k', 'q1'],
        ['k', 'q2'],
        ['l', 'q1'],
        ['', 'q3'],
      ] as const) {
        await store.bindings.add(bindingOf('ex', key, queue), 'direct');
      }
      await store.bindings.add(bindingOf('other', 'k', 'q4'), 'direct');
      assert.deepEqual(pairs(await other.bindings.of('ex')), ['>q3', 'k>q1', 'k>q2', 'l>q1']);
      await other.bindings.remove(bindingOf('ex', 'k', 'q1'));
      await other.bindings.remove(bindingOf('ex', 'never', 'q1'));
      assert.deepEqual(pairs(await store.bindings.of('ex')), ['>q3', 'k>q2', 'l>q1']);
      assert.deepEqual(pairs(await store.bindings.of('other')), ['k>q4']);
    },
  },
  {
    name: 'bindings keep patterns and unusual characters',
    async run(harness) {
      const store = await harness.open();
      const keys = ['a.*.#', '#', 'ö.ß', 'a\'b"c', 'a b'];
      for (const key of keys) await store.bindings.add(bindingOf('topics', key, 'q'), 'topic');
      const bindings = await store.bindings.of('topics');
      assert.deepEqual(bindings.map((one) => one.routingKey).toSorted(), keys.toSorted());
      assert(bindings.every((one) => one.exchange === 'topics' && one.queue === 'q'));
      for (const key of keys) await store.bindings.remove(bindingOf('topics', key, 'q'));
      assert.deepEqual(await store.bindings.of('topics'), []);
    },
  },
  {
    name: 'a broadcast reaches everybody who listens, in order, and nobody after that',
    skip: hasBroadcast,
    async run(harness) {
      const stores = [await harness.open(), await harness.open()] as const;
      const heard: string[][] = [[], []];
      const listening = await Promise.all(stores.map((store, n) => store.broadcast!.subscribe('fan', (message) => void heard[n]!.push(textOf(message)))));
      for (const text of ['a', 'b', 'c']) await stores[0].broadcast!.publish('fan', messageOf(text), { exchange: 'fan', routingKey: '' });
      await until(harness, () => heard.every((texts) => texts.length === 3));
      assert.deepEqual(heard, [
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ]);
      await listening[1]![Symbol.asyncDispose]();
      await stores[1].broadcast!.publish('fan', messageOf('d'), { exchange: 'fan', routingKey: '' });
      await until(harness, () => heard[0]!.length === 4);
      await harness.elapse(50);
      assert.deepEqual(heard, [
        ['a', 'b', 'c', 'd'],
        ['a', 'b', 'c'],
      ]);
    },
  },
  {
    name: 'a broadcast with a key is heard by those whose pattern fits',
    skip: hasBroadcast,
    async run(harness) {
      const store = await harness.open();
      const heard: Record<string, string[]> = { 'ev/*': [], 'ev/worker.*': [], 'ev/task.sent': [], ev: [], 'other/*': [] };
      for (const topic of Object.keys(heard)) await store.broadcast!.subscribe(topic, (message) => void heard[topic]!.push(textOf(message)));
      for (const key of ['worker.online', 'task.sent', 'task.sent.x']) {
        await store.broadcast!.publish(`ev/${key}`, messageOf(key), { exchange: 'ev', routingKey: key });
      }
      await store.broadcast!.publish('ev', messageOf('bare'), { exchange: 'ev', routingKey: '' });
      await until(harness, () => heard['ev']!.length === 1 && heard['ev/*']!.length === 3);
      assert.deepEqual(heard, {
        'ev/*': ['worker.online', 'task.sent', 'task.sent.x'],
        'ev/worker.*': ['worker.online'],
        'ev/task.sent': ['task.sent'],
        ev: ['bare'],
        'other/*': [],
      });
    },
  },
  {
    name: 'a broadcast keeps headers, body and the way it was addressed, and is stored nowhere',
    skip: hasBroadcast,
    async run(harness) {
      const store = await harness.open();
      const sender = await harness.open();
      const heard: unknown[] = [];
      await store.broadcast!.subscribe(
        'fan/*',
        (message, route) =>
          void heard.push([textOf(message), { ...message.headers }, message.properties.correlationId, route === undefined ? undefined : { ...route }]),
      );
      const message = messageOf('grüße', { headers: { clock: 1, hostname: 'ä' }, properties: { correlationId: 'c' } });
      await sender.broadcast!.publish('fan/a.b', message, { exchange: 'fan', routingKey: 'a.b' });
      await until(harness, () => heard.length === 1);
      const route = (heard[0] as unknown[])[3] ?? { exchange: 'fan', routingKey: 'a.b' };
      assert.deepEqual([...(heard[0] as unknown[]).slice(0, 3), route], ['grüße', { clock: 1, hostname: 'ä' }, 'c', { exchange: 'fan', routingKey: 'a.b' }]);
      assert.equal(await store.size('fan'), 0);
    },
  },
];

/** Waits for a moment, five seconds at most. */
async function until(harness: QueueStoreHarness, isThere: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !isThere(); n++) await harness.elapse(10);
  assert(isThere(), 'what was expected has not happened within 5 seconds');
}
