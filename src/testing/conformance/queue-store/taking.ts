import assert from 'node:assert/strict';
import type { Reservation } from '../../../transports/virtual/queue-store.ts';
import type { Case } from '../suite.ts';
import { createQueue, drain, messageOf, type QueueStoreHarness, storeWith, take, takeOne, textOf, textsOf } from './harness.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `m${n}`);

/** Putting, taking, waiting. */
export const takingCases: readonly Case<QueueStoreHarness>[] = [
  {
    name: 'gives messages in the order in which they were put',
    async run(harness) {
      const store = await storeWith(harness, 'q', numbered(20));
      assert.deepEqual(textsOf(await drain(store, 'q', 7)), numbered(20));
    },
  },
  {
    name: 'keeps the order of messages put within one tick',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      await Promise.all(numbered(700).map((text) => store.put('q', messageOf(text))));
      assert.equal(await store.size('q'), 700);
      assert.deepEqual(textsOf(await drain(store, 'q')), numbered(700));
    },
  },
  {
    name: 'takes no more than max, and leaves the rest to others',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a', 'b', 'c']);
      const other = await harness.open();
      assert.deepEqual(textsOf(await take(store, 'q', 2)), ['a', 'b']);
      assert.deepEqual(textsOf(await take(other, 'q', 2)), ['c']);
      assert.deepEqual(await take(other, 'q', 2), []);
    },
  },
  {
    name: 'takes from all queues it is asked for, and from no other',
    async run(harness) {
      const store = await storeWith(harness, 'q1', ['a']);
      await createQueue(store, 'q2');
      await createQueue(store, 'q3');
      await store.put('q2', messageOf('b'));
      await store.put('q3', messageOf('c'));
      const all: Reservation[] = [];
      for (let n = 0; n < 3; n++) all.push(...(await take(store, ['q1', 'q2'], 10)));
      assert.deepEqual(
        all.map((one) => [one.queue, textOf(one.message)]),
        [
          ['q1', 'a'],
          ['q2', 'b'],
        ],
      );
      assert.equal(await store.size('q3'), 1);
    },
  },
  {
    name: 'serves the queue that is named first before the others',
    async run(harness) {
      const store = await storeWith(harness, 'q1', ['a']);
      await createQueue(store, 'q2');
      await store.put('q2', messageOf('b'));
      assert.deepEqual(textsOf(await take(store, ['q2', 'q1'], 1)), ['b']);
      assert.deepEqual(textsOf(await take(store, ['q2', 'q1'], 1)), ['a']);
    },
  },
  {
    name: 'takes by priority, and in order within one',
    skip: (harness) => (harness.capabilities.priorityLevels < 2 ? 'this transport has no priorities' : undefined),
    async run(harness) {
      const store = await storeWith(harness, 'q');
      for (const [text, priority] of [
        ['a0', 0],
        ['a9', 9],
        ['b9', 9],
        ['b0', 0],
      ] as const) {
        await store.put('q', messageOf(text, { properties: { priority } }));
      }
      assert.deepEqual(textsOf(await drain(store, 'q')), harness.firstPriority === 'highest' ? ['a9', 'b9', 'a0', 'b0'] : ['a0', 'b0', 'a9', 'b9']);
      assert.equal(await store.size('q'), 0);
    },
  },
  {
    name: 'counts the messages of every priority, and purges them',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      for (let priority = 0; priority < 10; priority++) await store.put('q', messageOf('x', { properties: { priority } }));
      await takeOne(store, 'q');
      assert.equal(await store.size('q'), 9);
      assert.equal(await store.purge('q'), 9);
      assert.equal(await store.size('q'), 0);
      assert.equal(await store.purge('q'), 0);
      assert.deepEqual(await take(store, 'q'), []);
    },
  },
  {
    name: 'a queue that was never created is empty',
    async run(harness) {
      const store = await harness.open();
      assert.equal(await store.size('nowhere'), 0);
      assert.equal(await store.purge('nowhere'), 0);
      assert.deepEqual(await take(store, 'nowhere'), []);
    },
  },
  {
    name: 'creating a queue again changes nothing; deleting it takes its messages along',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a']);
      await createQueue(store, 'q');
      assert.equal(await store.size('q'), 1);
      await store.deleteQueue('q');
      await store.deleteQueue('q');
      await createQueue(store, 'q');
      assert.equal(await store.size('q'), 0);
      assert.deepEqual(await take(store, 'q'), []);
    },
  },
  {
    name: 'keeps queues apart whatever their names',
    async run(harness) {
      const names = ['a', 'a.b', 'a:b', 'a b', 'a*', 'A', 'schlange-ß', '行列', 'it\'s "quoted"', 'a/b'];
      const store = await harness.open();
      for (const name of names) {
        await createQueue(store, name);
        await store.put(name, messageOf(name));
      }
      for (const name of names) assert.deepEqual(textsOf(await take(store, name)), [name]);
    },
  },
  {
    name: 'waits for the first message, in any of the queues',
    async run(harness) {
      const store = await storeWith(harness, 'q1');
      await createQueue(store, 'q2');
      const producer = await harness.open();
      for (const queue of ['q1', 'q2']) {
        const taking = store.reserve(['q1', 'q2'], { max: 5, waitMs: 10_000, signal: new AbortController().signal });
        await harness.elapse(20);
        await producer.put(queue, messageOf(`for ${queue}`));
        assert.deepEqual(textsOf(await taking), [`for ${queue}`]);
      }
    },
  },
  {
    name: 'waits for a message of any priority',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      const producer = await harness.open();
      for (const priority of [0, 4, 9]) {
        const taking = store.reserve(['q'], { max: 5, waitMs: 10_000, signal: new AbortController().signal });
        await harness.elapse(20);
        await producer.put('q', messageOf(`p${priority}`, { properties: { priority } }));
        assert.deepEqual(textsOf(await taking), [`p${priority}`]);
      }
    },
  },
  {
    name: 'comes back empty when the wait is over',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      const taking = store.reserve(['q'], { max: 1, waitMs: 100, signal: new AbortController().signal });
      await harness.elapse(150);
      assert.deepEqual(await taking, []);
    },
  },
  {
    name: 'an abort ends the wait with nothing, and takes nothing afterwards',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      const abort = new AbortController();
      const taking = store.reserve(['q'], { max: 1, waitMs: 60_000, signal: abort.signal });
      await harness.elapse(20);
      abort.abort();
      assert.deepEqual(await taking, []);
      await store.put('q', messageOf('late'));
      await harness.elapse(20);
      assert.equal(await store.size('q'), 1);
      assert.deepEqual(textsOf(await take(store, 'q')), ['late']);
    },
  },
  {
    name: 'a signal that was aborted before takes what is there, or nothing, but does not wait',
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a']);
      const taken = await store.reserve(['q'], { max: 1, waitMs: 60_000, signal: AbortSignal.abort() });
      assert.equal(taken.length + (await store.size('q')), 1);
    },
  },
  {
    name: 'an abort in the moment of a put loses no message',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      const producer = await harness.open();
      const seen: string[] = [];
      for (let n = 0; n < 30; n++) {
        const abort = new AbortController();
        const taking = store.reserve(['q'], { max: 5, waitMs: 60_000, signal: abort.signal });
        if (n % 3 === 0) await harness.elapse(5);
        const putting = producer.put('q', messageOf(`m${n}`));
        if (n % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        abort.abort();
        await putting;
        seen.push(...textsOf(await taking));
      }
      seen.push(...textsOf(await drain(store, 'q')));
      assert.deepEqual(seen.toSorted(), numbered(30).toSorted());
    },
  },
  {
    name: 'gives each message to one of many takers, and to one only',
    async run(harness) {
      const first = await storeWith(harness, 'q');
      const takers = [first, ...(await Promise.all(Array.from({ length: 5 }, () => harness.open())))];
      await Promise.all(numbered(600).map((text) => first.put('q', messageOf(text))));
      const taken = await Promise.all(takers.map((taker, n) => drain(taker, 'q', 1 + n * 3)));
      assert.deepEqual(textsOf(taken.flat()).toSorted(), numbered(600).toSorted());
    },
  },
  {
    name: 'of several that wait, one gets the message and the others wait on',
    async run(harness) {
      const stores = [await storeWith(harness, 'q'), await harness.open(), await harness.open()];
      const abort = new AbortController();
      const takings = stores.map((store) => store.reserve(['q'], { max: 5, waitMs: 60_000, signal: abort.signal }));
      await harness.elapse(20);
      await stores[0]!.put('q', messageOf('one'));
      await Promise.race(takings);
      await stores[0]!.put('q', messageOf('two'));
      await harness.elapse(50);
      abort.abort();
      const taken = (await Promise.all(takings)).flat();
      const left = await drain(stores[0]!, 'q');
      assert.deepEqual(textsOf([...taken, ...left]).toSorted(), ['one', 'two']);
    },
  },
];
