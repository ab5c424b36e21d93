import assert from 'node:assert/strict';
import type { QueueStore } from '../../../transports/virtual/queue-store.ts';
import type { Case } from '../suite.ts';
import { createQueue, drain, messageOf, type QueueStoreHarness, storeWith, take, takeOne, textsOf } from './harness.ts';

/** The two looks that declare an owner lost, whose lease has lapsed already. */
async function lookTwice(harness: QueueStoreHarness, peer: QueueStore): Promise<number> {
  const first = await peer.recover(1000);
  await harness.elapse(harness.times.lookMs * 1.3);
  return first + (await peer.recover(1000));
}

const lapse = (harness: QueueStoreHarness): Promise<void> => harness.elapse(harness.times.leaseMs * 1.2);

/** Who holds what, and for how long (decisions.md 18–20). */
export const leaseCases: readonly Case<QueueStoreHarness>[] = [
  {
    name: 'puts back what a dead owner held, each message once, in order, and marked',
    async run(harness) {
      const texts = ['a', 'b', 'c', 'd'];
      const dead = await storeWith(harness, 'q', texts);
      assert.equal(await dead.renew(harness.times.leaseMs), true);
      assert.equal((await take(dead, 'q', 3)).length, 3);
      const peer = await harness.open();
      await lapse(harness);
      assert.equal(await lookTwice(harness, peer), 3);
      assert.equal(await lookTwice(harness, peer), 0);
      const all = await drain(peer, 'q');
      assert.deepEqual(textsOf(all), texts);
      assert.deepEqual(
        all.map((one) => one.redelivered),
        [true, true, true, false],
      );
    },
  },
  {
    name: 'leaves alone what a living owner holds, however long',
    async run(harness) {
      const owner = await storeWith(harness, 'q', ['a']);
      await owner.renew(harness.times.leaseMs);
      const reservation = await takeOne(owner, 'q');
      const peer = await harness.open();
      for (let n = 0; n < 6; n++) {
        await harness.elapse(harness.times.leaseMs / 2);
        assert.equal(await owner.renew(harness.times.leaseMs), true);
        assert.equal(await peer.recover(1000), 0);
      }
      assert.deepEqual(await take(peer, 'q'), []);
      await owner.settle(reservation, 'ack');
      assert.equal(await lookTwice(harness, peer), 0);
    },
  },
  {
    name: 'one look is not enough: an owner that sets its lease again has lost nothing',
    async run(harness) {
      const owner = await storeWith(harness, 'q', ['a']);
      await owner.renew(harness.times.leaseMs);
      const reservation = await takeOne(owner, 'q');
      const peer = await harness.open();
      await lapse(harness);
      assert.equal(await peer.recover(1000), 0);
      assert.equal(await owner.renew(harness.times.leaseMs), true);
      await harness.elapse(harness.times.lookMs * 1.3);
      assert.equal(await peer.recover(1000), 0);
      await owner.settle(reservation, 'ack');
      assert.deepEqual(await drain(peer, 'q'), []);
    },
  },
  {
    name: 'two looks in quick succession are one',
    async run(harness) {
      // On a busy machine two looks may be far apart, and then they do count: until two were quick.
      for (let attempt = 0; attempt < 20; attempt++) {
        const owner = await storeWith(harness, 'q', ['a']);
        await owner.renew(harness.times.leaseMs);
        await takeOne(owner, 'q');
        const peer = await harness.open();
        await lapse(harness);
        const beganAt = performance.now();
        const count = (await peer.recover(1000)) + (await peer.recover(1000));
        if (performance.now() - beganAt > harness.times.lookMs / 2) continue;
        assert.equal(count, 0);
        assert.equal(await owner.renew(harness.times.leaseMs), true);
        return;
      }
      assert.fail('no two looks were quick: the machine is too busy for this test');
    },
  },
  {
    name: 'a look by one and a look by another do not add up',
    async run(harness) {
      const owner = await storeWith(harness, 'q', ['a']);
      await owner.renew(harness.times.leaseMs);
      await takeOne(owner, 'q');
      const peers = [await harness.open(), await harness.open()] as const;
      await lapse(harness);
      assert.equal(await peers[0].recover(1000), 0);
      await harness.elapse(harness.times.lookMs * 1.3);
      assert.equal(await peers[1].recover(1000), 0);
      assert.equal(await owner.renew(harness.times.leaseMs), true);
    },
  },
  {
    name: 'tells an owner that it was declared lost, for good, and its settles do nothing',
    async run(harness) {
      const owner = await storeWith(harness, 'q', ['a']);
      await owner.renew(harness.times.leaseMs);
      const reservation = await takeOne(owner, 'q');
      const peer = await harness.open();
      await lapse(harness);
      assert.equal(await lookTwice(harness, peer), 1);
      assert.equal(await owner.renew(harness.times.leaseMs), false);
      assert.equal(await owner.renew(harness.times.leaseMs), false);
      const taken = await takeOne(peer, 'q');
      await owner.settle(reservation, 'ack');
      await owner.settle(reservation, 'requeue');
      assert.equal(await peer.size('q'), 0);
      await peer.settle(taken, 'requeue');
      assert.equal(await peer.size('q'), 1);
    },
  },
  {
    name: 'goes on under a new owner id',
    async run(harness) {
      const owner = await storeWith(harness, 'q', ['a']);
      await owner.renew(harness.times.leaseMs);
      await takeOne(owner, 'q');
      const peer = await harness.open();
      await lapse(harness);
      await lookTwice(harness, peer);
      assert.equal(await owner.renew(harness.times.leaseMs), false);
      const next = await harness.open();
      assert.equal(await next.renew(harness.times.leaseMs), true);
      await next.settle(await takeOne(next, 'q'), 'ack');
      assert.deepEqual(await take(peer, 'q'), []);
    },
  },
  {
    name: 'several peers that look at once put each message back once',
    async run(harness) {
      const texts = Array.from({ length: 60 }, (_, n) => `m${n}`);
      const dead = await storeWith(harness, 'q', texts);
      await dead.renew(harness.times.leaseMs);
      assert.equal((await take(dead, 'q', 60)).length, 60);
      const peers = [await harness.open(), await harness.open(), await harness.open()];
      await lapse(harness);
      await Promise.all(peers.map((peer) => peer.recover(1000)));
      await harness.elapse(harness.times.lookMs * 1.3);
      const counts = await Promise.all(peers.map((peer) => peer.recover(1000)));
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        60,
      );
      assert.deepEqual(textsOf(await drain(peers[0]!, 'q')).toSorted(), texts.toSorted());
    },
  },
  {
    name: 'puts back no more than max at a time, and the rest at the next look',
    async run(harness) {
      const texts = ['a', 'b', 'c', 'd', 'e'];
      const dead = await storeWith(harness, 'q', texts);
      await dead.renew(harness.times.leaseMs);
      await take(dead, 'q', 5);
      const peer = await harness.open();
      await lapse(harness);
      await peer.recover(2);
      await harness.elapse(harness.times.lookMs * 1.3);
      assert.equal(await peer.recover(2), 2);
      const counts = [await peer.recover(2), await peer.recover(2), await peer.recover(2)];
      assert.deepEqual(counts, [2, 1, 0]);
      assert.deepEqual(textsOf(await drain(peer, 'q')).toSorted(), texts);
    },
  },
  {
    name: 'a connection that follows under the same owner settles what the one before took',
    async run(harness) {
      const first = await storeWith(harness, 'q', ['a', 'b']);
      await first.renew(harness.times.leaseMs);
      const [a, b] = await take(first, 'q', 2);
      await first[Symbol.asyncDispose]();
      const second = await harness.open({ owner: first.owner });
      assert.equal(await second.renew(harness.times.leaseMs), true);
      await second.settle(a!, 'ack');
      await second.settle(b!, 'return');
      assert.deepEqual(textsOf(await drain(second, 'q')), ['b']);
    },
  },
  {
    name: 'puts back what its owner does not remember to have taken',
    async run(harness) {
      const first = await storeWith(harness, 'q', ['a', 'b', 'c']);
      await first.renew(harness.times.leaseMs);
      const held = await take(first, 'q', 3);
      const second = await harness.open({ owner: first.owner });
      if (second.reconcile === undefined) return;
      assert.equal(await second.reconcile(new Set([held[1]!.id])), 2);
      assert.deepEqual(textsOf(await drain(second, 'q')), ['a', 'c']);
      await second.settle(held[1]!, 'requeue');
      assert.deepEqual(textsOf(await drain(second, 'q')), ['b']);
    },
  },
  {
    name: 'a parked message is out of sight until it is due, and then comes once, unmarked',
    skip: (harness) => (harness.capabilities.delayedDelivery === 'park' ? undefined : 'this transport does not park'),
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a', 'b']);
      await store.renew(harness.times.leaseMs);
      const reservation = await takeOne(store, 'q');
      await store.park!(reservation, harness.now() + 400);
      const peer = await harness.open();
      await peer.recover(1000);
      assert.deepEqual(textsOf(await drain(peer, 'q')), ['b']);
      await store.settle(reservation, 'requeue');
      assert.equal(await peer.size('q'), 0);
      await harness.elapse(600);
      assert.equal(await peer.recover(1000), 1);
      assert.equal(await peer.recover(1000), 0);
      const [again] = await drain(peer, 'q');
      assert.equal(again?.redelivered, false);
      assert.deepEqual(textsOf([again]), ['a']);
    },
  },
  {
    name: 'one look brings back all that is due',
    skip: (harness) => (harness.capabilities.delayedDelivery === 'park' ? undefined : 'this transport does not park'),
    async run(harness) {
      const texts = Array.from({ length: 450 }, (_, i) => `m${i}`);
      const store = await storeWith(harness, 'q', texts);
      await store.renew(harness.times.leaseMs);
      const taken = await drain(store, 'q');
      assert.equal(taken.length, texts.length);
      const due = harness.now() - 1000;
      await Promise.all(taken.map((reservation, i) => store.park!(reservation, due + i)));
      assert.equal(await store.recover(1000), texts.length);
      assert.deepEqual(textsOf(await drain(store, 'q')).toSorted(), texts.toSorted());
    },
  },
  {
    name: 'a parked message survives the owner that parked it',
    skip: (harness) => (harness.capabilities.delayedDelivery === 'park' ? undefined : 'this transport does not park'),
    async run(harness) {
      const store = await storeWith(harness, 'q', ['a']);
      await store.renew(harness.times.leaseMs);
      await store.park!(await takeOne(store, 'q'), harness.now() + harness.times.leaseMs * 3);
      const peer = await harness.open();
      await lapse(harness);
      assert.equal(await lookTwice(harness, peer), 0);
      await harness.elapse(harness.times.leaseMs * 3);
      assert.equal(await peer.recover(1000), 1);
      assert.deepEqual(textsOf(await drain(peer, 'q')), ['a']);
    },
  },
  {
    name: 'a delayed message reaches nobody before it is due, and wakes who waits for it then',
    skip: (harness) => (harness.capabilities.delayedDelivery === 'publish' ? undefined : 'this transport does not hold messages back'),
    async run(harness) {
      const store = await storeWith(harness, 'q');
      await createQueue(store, 'q');
      await store.put('q', messageOf('later'), { notBeforeMs: harness.now() + 300 });
      await store.put('q', messageOf('latest'), { notBeforeMs: harness.now() + 60_000 });
      await store.put('q', messageOf('now'));
      await store.put('q', messageOf('past'), { notBeforeMs: harness.now() - 1000 });
      assert.deepEqual(textsOf(await drain(store, 'q')), ['now', 'past']);
      const taking = store.reserve(['q'], { max: 5, waitMs: 5000, signal: new AbortController().signal });
      await harness.elapse(400);
      assert.deepEqual(textsOf(await taking), ['later']);
      assert.equal(await store.purge('q'), 1);
    },
  },
  {
    name: 'a message is not delivered after its time to live',
    skip: (harness) => (harness.capabilities.messageTtl ? undefined : 'this transport has no time to live'),
    async run(harness) {
      const store = await storeWith(harness, 'q');
      await store.put('q', messageOf('short', { properties: { expirationMs: 100 } }));
      await store.put('q', messageOf('long', { properties: { expirationMs: 60_000 } }));
      await harness.elapse(200);
      assert.deepEqual(textsOf(await drain(store, 'q')), ['long']);
    },
  },
  {
    name: 'a task that has expired by its own header still reaches a worker, which has to say so',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      const headers = { task: 'proj.add', id: 't', expires: new Date(harness.now() + 100).toISOString() };
      await store.put('q', messageOf('task', { headers, properties: { expirationMs: 100 } }));
      await store.put('q', messageOf('at once', { headers, properties: { expirationMs: 0 } }));
      await harness.elapse(200);
      assert.deepEqual(textsOf(await drain(store, 'q')), ['task', 'at once']);
    },
  },
  {
    name: "a queue's own time to live holds for tasks too",
    skip: (harness) => (harness.capabilities.messageTtl ? undefined : 'this transport has no time to live'),
    async run(harness) {
      const store = await harness.open();
      await store.createQueue({ name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: { 'x-message-ttl': 100 } });
      const headers = { task: 'proj.add', id: 't', expires: new Date(harness.now() + 60_000).toISOString() };
      await store.put('q', messageOf('task', { headers, properties: { expirationMs: 60_000 } }));
      await harness.elapse(200);
      assert.deepEqual(textsOf(await drain(store, 'q')), []);
    },
  },
];
