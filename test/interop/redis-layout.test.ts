import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RedisConnection } from '../../src/clients/redis.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { JsonObject } from '../../src/protocol/json.ts';
import { RedisStore } from '../../src/transports/redis/store.ts';
import type { Reservation } from '../../src/transports/virtual/queue-store.ts';
import { openAdmin } from '../kit/redis-admin.ts';

/* Kombu and we on one Redis: what one writes the other reads, and what one leaves behind the other brings back. */

const url = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const program = new URL('python/redis_layout.py', import.meta.url).pathname;

if (url === undefined || python === undefined) {
  test.skip('redis layout: the environment variables CELERIAC_TEST_REDIS and CELERIAC_TEST_PYTHON (a python with celery) are not both set', () => undefined);
} else describe('the layout on Redis', () => layoutTests(url, python));

function layoutTests(server: string, executable: string): void {
  const prefix = `${newId()}:`;
  const opened: RedisStore[] = [];
  const started: ChildProcess[] = [];
  let admin: RedisConnection;

  beforeAll(async () => {
    admin = await openAdmin(server);
  });
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill();
    for (const store of opened.splice(0)) await store[Symbol.asyncDispose]();
    const left = await keys();
    if (left.length > 0) await admin.call('DEL', ...left.map((key) => prefix + key));
  });
  afterAll(() => admin.close());

  const keys = async (): Promise<string[]> => ((await admin.call('KEYS', `${prefix}*`)) as string[]).map((key) => key.slice(prefix.length)).toSorted();
  const optionsWith = (more: JsonObject): JsonObject => ({ global_keyprefix: prefix, ...more });
  const commandOf = (act: string, args: unknown, more: JsonObject): string[] => [program, act, server, JSON.stringify(optionsWith(more)), JSON.stringify(args)];

  async function kombu<T = unknown>(act: string, args: unknown, more: JsonObject = {}): Promise<T> {
    const { stdout } = await promisify(execFile)(executable, commandOf(act, args, more));
    return JSON.parse(stdout) as T;
  }

  async function open(more: JsonObject = {}): Promise<RedisStore> {
    const store = await RedisStore.open({
      url: new URL(server),
      owner: newId(),
      timeoutMs: 5000,
      heartbeatMs: 0,
      transportOptions: optionsWith({ lease_ms: 600, lease_renew_ms: 200, lease_look_ms: 200, ...more }),
      clock: systemClock,
      log: silentLogger,
      role: 'test',
      hostname: 'w1@test',
      maxMessageBytes: 64 * 2 ** 20,
      signal: new AbortController().signal,
    });
    opened.push(store);
    return store;
  }

  const take = (store: RedisStore, queue: string, max = 10): Promise<readonly Reservation[]> =>
    store.reserve([queue], { max, waitMs: 0, signal: new AbortController().signal });
  const bodyOf = ({ message }: Reservation): unknown => JSON.parse(Buffer.from((message.body as { readonly base64: string }).base64, 'base64').toString());
  const messageOf = (value: unknown, priority = 0) => ({
    body: { text: JSON.stringify(value) },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    headers: { id: `id-${String(value)}`, task: 'proj.add' },
    properties: { correlationId: 'cid', priority },
  });

  test("takes kombu's messages, lowest priority step first", async () => {
    await kombu('send', [
      { body: 'later', routing_key: 'q', priority: 9 },
      { body: 'soon', routing_key: 'q', priority: 5, headers: { a: 1 } },
      { body: 'first', routing_key: 'q' },
    ]);
    const store = await open();
    const taken = await take(store, 'q');
    expect(taken.map(bodyOf)).toEqual(['first', 'soon', 'later']);
    expect(taken[1]).toMatchObject({
      redelivered: false,
      route: { exchange: '', routingKey: 'q' },
      message: { headers: { a: 1 }, properties: { priority: 5, correlationId: 'cid' } },
    });
    await Promise.all(taken.map((one) => store.settle(one, 'ack')));
  });

  test('kombu takes ours', async () => {
    const store = await open();
    await Promise.all([store.put('q', messageOf('b', 3)), store.put('q', messageOf('a'))]);
    expect(await kombu('take', { queue: 'q' })).toEqual([
      { body: 'a', headers: { id: 'id-a', task: 'proj.add' }, priority: 0, route: ['', 'q'], correlation_id: 'cid' },
      { body: 'b', headers: { id: 'id-b', task: 'proj.add' }, priority: 3, route: ['', 'q'], correlation_id: 'cid' },
    ]);
    expect(await keys()).toEqual([]);
  });

  test('kombu restores what we hold into the list of its priority, whatever exchange it came by', async () => {
    const store = await open();
    await store.put('q', messageOf('a', 5), { route: { exchange: 'somewhere', routingKey: 'x.y' } });
    expect(await take(store, 'q')).toHaveLength(1);
    await systemClock.sleep(1100);
    await kombu('restore', { num: 10 }, { visibility_timeout: 1 });
    expect(await keys()).toContain('q\x06\x163');
    const [again] = await take(await open(), 'q');
    expect(again).toMatchObject({ redelivered: true, route: { exchange: 'somewhere', routingKey: 'x.y' } });
  });

  test("makes its own holds young before kombu's sweep would take them", async () => {
    const store = await open();
    await store.put('q', messageOf('a'));
    const [held] = await take(store, 'q');
    // As if it had been held for longer than half of the visibility timeout, an hour.
    await admin.call('ZADD', `${prefix}unacked_index`, 'XX', systemClock.now() / 1000 - 3000, held!.id);
    await store.recover(100);
    await kombu('restore', { num: 10 }, { visibility_timeout: 2000 });
    expect(await store.size('q')).toBe(0);
    await store.settle(held!, 'ack');
  });

  test('restores what kombu held, by exchange and key, after the visibility timeout and not before', async () => {
    await kombu('send', [{ body: 'a', exchange: 'topics', type: 'topic', queue: 'q', routing_key: 'a.b', priority: 6 }]);
    await kombu('hold', { queue: 'q' });
    const patient = await open();
    expect(await patient.recover(100)).toBe(0);
    await systemClock.sleep(1100);
    const peer = await open({ visibility_timeout: 1 });
    expect(await peer.recover(100)).toBe(1);
    const [again] = await take(peer, 'q');
    expect(again).toMatchObject({ redelivered: true, message: { properties: { priority: 6 } }, route: { exchange: 'topics', routingKey: 'a.b' } });
    await peer.settle(again!, 'ack');
    expect((await keys()).filter((key) => !key.startsWith('_kombu'))).toEqual(expect.not.arrayContaining(['unacked', 'unacked_index', 'unacked_mutex']));
  });

  test("a parked message is put back by kombu's sweep when it is due, and not before", async () => {
    const store = await open();
    await store.put('q', messageOf('a', 3));
    const [held] = await take(store, 'q');
    const due = systemClock.now() + 8000;
    await store.park(held!, due);
    await kombu('restore', { num: 10 });
    expect(await store.size('q')).toBe(0);
    await systemClock.sleep(due - systemClock.now() + 100);
    await kombu('restore', { num: 10 });
    expect(await store.size('q')).toBe(1);
    expect(await store.recover(100)).toBe(0);
    expect(await store.size('q')).toBe(1);
    expect(await keys()).not.toContain('celeriac/eta');
  });

  test('each sees the bindings of the other', async () => {
    const store = await open();
    const binding = { exchange: 'topics', queue: 'ours', routingKey: 'a.*', arguments: {} };
    await store.bindings.add(binding, 'topic');
    await kombu('bind', { queue: 'theirs', exchange: 'topics', type: 'topic', routing_key: 'a.*' });
    expect((await store.bindings.of('topics')).map(({ queue, routingKey, arguments: { pattern } }) => [queue, routingKey, pattern]).toSorted()).toEqual([
      ['ours', 'a.*', '^a\\.[^\\.]+$'],
      ['theirs', 'a.*', '^a\\.[^\\.]+$'],
    ]);
    await kombu('send', [
      { body: 'yes', exchange: 'topics', type: 'topic', routing_key: 'a.b' },
      { body: 'no', exchange: 'topics', type: 'topic', routing_key: 'a.b.c' },
    ]);
    expect((await take(store, 'ours')).map(bodyOf)).toEqual(['yes']);
    await store.bindings.remove(binding);
    expect((await store.bindings.of('topics')).map(({ queue }) => queue)).toEqual(['theirs']);
    expect(await admin.call('SMEMBERS', `${prefix}_kombu.binding_permanent.topics`)).toHaveLength(1);
  });

  test('bindings of expiring queues stand in the table of deadlines, as those of kombu do', async () => {
    const store = await open();
    await store.createQueue({ name: 'ours', durable: false, exclusive: false, autoDelete: true, arguments: { 'x-expires': 10_000 } });
    await store.bindings.add({ exchange: 'replies', queue: 'ours', routingKey: 'ours', arguments: {} }, 'direct');
    const ours = Number(await admin.call('ZSCORE', `${prefix}_kombu.binding_deadlines`, 'replies'));
    expect(Math.abs(ours - systemClock.now() - 3_600_000)).toBeLessThan(5000);
    expect(await keys()).toEqual(['_kombu.binding.replies', '_kombu.binding_deadlines']);
    await store.put('ours', messageOf('a'));
    expect(Number(await admin.call('PTTL', `${prefix}ours`))).toBeGreaterThan(9000);
    await kombu('bind', { queue: 'theirs', exchange: 'replies', type: 'direct', routing_key: 'theirs', expires: 10 });
    expect((await store.bindings.of('replies')).map(({ queue }) => queue).toSorted()).toEqual(['ours', 'theirs']);
  });

  test('fanout reaches both sides', async () => {
    const store = await open();
    const heard: unknown[] = [];
    await using _listening = await store.broadcast.subscribe('news/*', (message, route) => heard.push([message.headers['a'], route]));
    const listener = spawn(executable, commandOf('hear', { exchange: 'news', routing_key: 'worker.#', count: 2 }, {}), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(listener);
    const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('"listening"');
    // Kombu subscribes when it first waits.
    await expect.poll(() => admin.call('PUBSUB', 'NUMPAT')).toBe(2);
    await store.broadcast.publish('news/worker.up', messageOf('ours'));
    await kombu('send', [{ body: 'theirs', exchange: 'news', type: 'fanout', routing_key: 'worker.down', headers: { a: 1 } }]);
    expect((JSON.parse((await lines.next()).value as string) as { body: unknown; route: unknown }[]).map(({ body, route }) => [body, route])).toEqual([
      ['ours', ['news', 'worker.up']],
      ['theirs', ['news', 'worker.down']],
    ]);
    expect(heard).toEqual([
      [undefined, { exchange: 'news', routingKey: 'worker.up' }],
      [1, { exchange: 'news', routingKey: 'worker.down' }],
    ]);
  });

  test('leaves no key behind after a clean stop', async () => {
    const store = await open();
    await store.put('q', messageOf('a'));
    const waited = store.reserve(['q', 'r'], { max: 1, waitMs: 100, signal: new AbortController().signal });
    const [one] = await waited;
    await store.reserve(['q', 'r'], { max: 1, waitMs: 100, signal: new AbortController().signal });
    await store.renew(600);
    void store.settle(one!, 'ack');
    await store[Symbol.asyncDispose]();
    expect(await keys()).toEqual([]);
  });
}
