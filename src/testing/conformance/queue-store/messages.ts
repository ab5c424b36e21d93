import assert from 'node:assert/strict';
import type { WireMessage } from '../../../protocol/wire-message.ts';
import type { Case } from '../suite.ts';
import { bytesOf, createQueue, drain, messageOf, type QueueStoreHarness, storeWith, takeOne, textOf, textsOf } from './harness.ts';

/** A body of every byte there is, of this length. */
const allBytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, n) => (n * 7) % 256);

/** What a message keeps on its way. */
export const messageCases: readonly Case<QueueStoreHarness>[] = [
  {
    name: 'bodies arrive as they were sent: bytes, text, base64, empty, large',
    async run(harness) {
      const text = 'grüße, 世界 🌍 \u0000 "quoted" \\ \n\u2028';
      const bodies: readonly (readonly [WireMessage['body'], Uint8Array])[] = [
        [allBytes(256), allBytes(256)],
        [allBytes(300).subarray(7, 100), allBytes(300).subarray(7, 100)],
        [{ text }, Buffer.from(text)],
        [{ base64: Buffer.from(allBytes(100)).toString('base64') }, allBytes(100)],
        [new Uint8Array(0), new Uint8Array(0)],
        [{ text: '' }, new Uint8Array(0)],
        [allBytes(1_500_000), allBytes(1_500_000)],
      ];
      const store = await storeWith(harness, 'q');
      for (const [body] of bodies) await store.put('q', messageOf('', { body }));
      const all = await drain(store, 'q', 2);
      assert.equal(all.length, bodies.length);
      for (const [n, one] of all.entries()) {
        assert(Buffer.from(bytesOf(one.message)).equals(Buffer.from(bodies[n]![1])), `body number ${n} has changed on its way`);
      }
    },
  },
  {
    name: 'labels, properties and headers arrive as they were sent',
    async run(harness) {
      const headers = { task: 'proj.add', id: 'ä"\\', nothing: null, list: [1, [2.5, { deep: true }]], '': 'empty name', retries: 0 };
      const properties = { correlationId: 'c-1', replyTo: 'r-"1"', priority: 4, persistent: false, extra: { messageGroupId: 'g' } };
      const store = await storeWith(harness, 'q');
      await store.put('q', messageOf('[]', { contentType: 'application/json', contentEncoding: 'binary', headers, properties }));
      const { message } = await takeOne(store, 'q');
      assert.equal(message.contentType, 'application/json');
      assert.equal(message.contentEncoding, 'binary');
      assert.deepEqual({ ...message.headers }, headers);
      assert.deepEqual({ ...message.properties }, properties);
    },
  },
  {
    name: 'headers that are given as text are the same headers',
    async run(harness) {
      const headers = { task: 'proj.add', argsrepr: "('é',)" };
      const store = await storeWith(harness, 'q');
      await store.put('q', messageOf('x', { headers, headersText: JSON.stringify(headers) }));
      const { message } = await takeOne(store, 'q');
      assert.deepEqual({ ...message.headers }, headers);
    },
  },
  {
    name: 'the way it was addressed is kept; without one it is the queue by its name',
    async run(harness) {
      const store = await storeWith(harness, 'q');
      await store.put('q', messageOf('a'), { route: { exchange: 'ex "1"', routingKey: 'a.b' } });
      await store.put('q', messageOf('b'));
      const [a, b] = await drain(store, 'q');
      assert.deepEqual({ ...a?.route }, { exchange: 'ex "1"', routingKey: 'a.b' });
      assert.deepEqual({ ...(b?.route ?? { exchange: '', routingKey: 'q' }) }, { exchange: '', routingKey: 'q' });
    },
  },
  {
    name: 'a text that is no envelope comes as a foreign message, and its neighbours come too',
    skip: (harness) => (harness.putRaw === undefined ? 'this store has no envelopes' : undefined),
    async run(harness) {
      const store = await storeWith(harness, 'q', ['before']);
      const texts = ['not json', '', '[]', 'null', '{"body": 5}', '{', '{"body":"x","properties":{"body_encoding":"rot13"}}'];
      for (const text of texts) await harness.putRaw!('q', text);
      await store.put('q', messageOf('after'));
      const all = await drain(store, 'q', 3);
      assert.equal(all.length, texts.length + 2);
      assert.deepEqual([textOf(all[0]!.message), textOf(all.at(-1)!.message)], ['before', 'after']);
      for (const one of all.slice(1, -1)) assert.equal(one.message.contentType, 'application/octet-stream');
      await Promise.all(all.map((one) => store.settle(one, 'dead')));
      assert.deepEqual(await drain(store, 'q'), []);
    },
  },
  {
    name: 'a message above the limit comes as a foreign one',
    async run(harness) {
      const store = await harness.open({ maxMessageBytes: 10_000 });
      await createQueue(store, 'q');
      await store.put('q', messageOf('x'.repeat(50_000), { contentType: 'application/json' }));
      await store.put('q', messageOf('small'));
      const [large, small] = await drain(store, 'q');
      assert.equal(large?.message.contentType, 'application/octet-stream');
      assert(bytesOf(large.message).byteLength <= 10_000);
      assert.deepEqual(textsOf([small!]), ['small']);
      await store.settle(large, 'dead');
      await store.settle(small!, 'ack');
      assert.equal(await store.size('q'), 0);
    },
  },
];
