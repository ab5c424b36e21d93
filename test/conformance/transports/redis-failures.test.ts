import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { BackendOptions, ResultBackend } from '../../../src/backends/backend.ts';
import { driver } from '../../../src/backends/redis/index.ts';
import { resolveSettings } from '../../../src/config/resolve.ts';
import { ImproperlyConfigured, OperationalError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { encodedText } from '../../../src/protocol/json-text.ts';
import type { ResultMeta } from '../../../src/protocol/result-meta.ts';
import { jsonCodec } from '../../../src/testing/conformance/backend.ts';
import { RedisKeys } from '../../../src/transports/redis/keys.ts';
import { Lease } from '../../../src/transports/redis/lease.ts';
import { redisTransportOptions } from '../../../src/transports/redis/options.ts';
import type { RedisStore } from '../../../src/transports/redis/store.ts';
import type { Reservation } from '../../../src/transports/virtual/queue-store.ts';
import { idsOf, messageOf, openStore, RedisServer, SHORT_LEASE, take } from './redis-server.ts';

const opened: AsyncDisposable[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

function kept<T extends AsyncDisposable>(one: T): T {
  opened.push(one);
  return one;
}

/** As a blocking take would have moved it. */
const envelopeOf = (id: string): string => `{"body":"YQ==","headers":{"id":"${id}"},"properties":{"body_encoding":"base64"}}`;

/** Between a store and its server: once mute, it lets only blocking connections speak to the server. */
class MuteProxy implements AsyncDisposable {
  isMute = false;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    const upstream = connect(this.port, '127.0.0.1');
    let isBlocking = false;
    client.on('data', (data) => {
      isBlocking ||= data.includes('-wait');
      if (isBlocking || !this.isMute) upstream.write(data);
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) this.#sockets.add(socket.on('error', () => undefined).on('close', () => void client.destroy()));
  });
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(port: number): Promise<MuteProxy> {
    const proxy = new MuteProxy(port);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): URL {
    return new URL(`redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}/0`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    return Promise.resolve();
  }
}

if (!RedisServer.isInstalled) test.skip('redis failures: redis-server is not installed', () => undefined);
else {
  describe('waiting on Redis', waitingTests);
  describe('Redis goes away', lossTests);
  describe('results while Redis is away', resultTests);
}
describe('what Redis refuses', refusalTests);

function waitingTests(): void {
  const queues = Array.from({ length: 12 }, (_, n) => `q${n}`);

  test.each([
    ['the base list', 'q0', 0],
    ['a list of a higher step', 'q0', 9],
    ['the base list of a queue that no connection blocks on', 'q11', 0],
  ])('a message in %s ends the wait at once', async (_, queue, priority) => {
    const server = kept(await RedisServer.start());
    const [worker, producer] = [kept(await openStore(server.url)), kept(await openStore(server.url))];
    for (let round = 0; round < 5; round++) {
      const waiting = take(worker, queues, 8000);
      await systemClock.sleep(round === 0 ? 300 : 30);
      const at = systemClock.monotonic();
      await producer.put(queue, messageOf('a', priority));
      const [one] = await waiting;
      expect(systemClock.monotonic() - at).toBeLessThan(1000);
      await worker.settle(one!, 'ack');
    }
  });

  test('who waits no more takes nothing: blocked connections are released', async () => {
    const server = kept(await RedisServer.start());
    const [worker, producer, admin] = [kept(await openStore(server.url)), kept(await openStore(server.url)), await server.connect()];
    const abort = new AbortController();
    const waiting = worker.reserve(['q'], { max: 1, waitMs: 8000, signal: abort.signal });
    const blocked = async (): Promise<number> => Number(/blocked_clients:(\d+)/.exec(String(await admin.call('INFO', 'clients')))![1]);
    await expect.poll(blocked).toBe(1);
    abort.abort();
    expect(await waiting).toEqual([]);
    await expect.poll(blocked).toBe(0);
    await producer.put('q', messageOf('a'));
    expect(await admin.call('LLEN', 'q')).toBe(1);
    await admin.close();
  });

  test('of many workers that wait exactly one gets each message', async () => {
    const server = kept(await RedisServer.start());
    const workers = await Promise.all(Array.from({ length: 6 }, () => openStore(server.url)));
    workers.forEach(kept);
    const got: unknown[] = [];
    const work = async (worker: RedisStore): Promise<void> => {
      for (let empty = 0; empty < 3;) {
        const batch = await take(worker, ['q'], 400, 3);
        empty = batch.length === 0 ? empty + 1 : 0;
        for (const one of batch) {
          got.push(one.message.headers['id']);
          void worker.settle(one, 'ack');
        }
      }
    };
    const working = Promise.all(workers.map(work));
    const producer = kept(await openStore(server.url));
    const sent = Array.from({ length: 300 }, (_, n) => `m${n}`);
    for (const [n, id] of sent.entries()) {
      await producer.put('q', messageOf(id, n % 10));
      if (n % 50 === 0) await systemClock.sleep(50);
    }
    await working;
    expect(got.toSorted()).toEqual(sent.toSorted());
    for (const worker of workers) await worker[Symbol.asyncDispose]();
    const admin = await server.connect();
    expect(await admin.call('KEYS', '*')).toEqual([]);
    await admin.close();
  });
}

function lossTests(): void {
  test('a server that ends closes the store with a reason, and rejects what waits', async () => {
    const server = kept(await RedisServer.start());
    const store = kept(await openStore(server.url));
    const waiting = take(store, ['q'], 8000);
    waiting.catch(() => undefined);
    await systemClock.sleep(200);
    await server.stop();
    expect((await store.closed).message).toContain(`lost the connection to redis://127.0.0.1:${server.port}`);
    await expect(store.put('q', messageOf('a'))).rejects.toBeInstanceOf(OperationalError);
    await expect(take(store, ['q'])).rejects.toBeInstanceOf(OperationalError);
  });

  test('a server that says nothing any more is noticed', async () => {
    const server = kept(await RedisServer.start());
    const store = kept(await openStore(server.url, { transportOptions: { socket_timeout: 1 } }));
    server.freeze();
    try {
      await expect(store.put('q', messageOf('a'))).rejects.toBeInstanceOf(OperationalError);
      expect((await store.closed).message).toContain('lost the connection');
    } finally {
      server.thaw();
    }
  });

  test('after a restart the same owner goes on with what it held, and finds what it never heard of', async () => {
    const server = kept(await RedisServer.start());
    const owner = newId();
    const first = kept(await openStore(server.url, { owner }));
    for (const id of ['a', 'b', 'c']) await first.put('q', messageOf(id));
    const [a, b] = await take(first, ['q'], 0, 2);
    await server.stop();
    await first.closed;
    await server.start();
    const second = kept(await openStore(server.url, { owner }));
    expect(await second.renew(1000)).toBe(true);
    // The answer to the take of b got lost, say.
    expect(await second.reconcile(new Set([a!.id]))).toBe(1);
    await second.settle(a!, 'ack');
    await second.settle(b!, 'ack');
    const rest = await take(second, ['q']);
    expect(idsOf(rest)).toEqual(['b', 'c']);
    expect(rest.map(({ redelivered }) => redelivered)).toEqual([true, false]);
  });

  test('a message that a blocking take had moved when the connection broke is found again', async () => {
    const server = kept(await RedisServer.start());
    const admin = await server.connect();
    const owner = newId();
    const first = kept(await openStore(server.url, { owner }));
    const waiting = take(first, ['q'], 8000);
    waiting.catch(() => undefined);
    await expect.poll(async () => /blocked_clients:1/.test(String(await admin.call('INFO', 'clients')))).toBe(true);
    // As if the answer had been lost: moved, but not held.
    await admin.call('LPUSH', `q/taken/${owner}`, envelopeOf('a'));
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await first.closed;
    const second = kept(await openStore(server.url, { owner }));
    expect(await second.reconcile(new Set())).toBe(1);
    expect(idsOf(await take(second, ['q']))).toEqual(['a']);
    await admin.close();
  });

  test('a clean end puts back what a blocking take has moved without telling us', async () => {
    const server = kept(await RedisServer.start());
    const admin = await server.connect();
    const owner = newId();
    const store = kept(await openStore(server.url, { owner }));
    expect(await take(store, ['q'], 300)).toEqual([]);
    await admin.call('LPUSH', `q/taken/${owner}`, envelopeOf('a'));
    await store[Symbol.asyncDispose]();
    expect(await admin.call('LLEN', 'q')).toBe(1);
    expect(await admin.call('KEYS', '*')).toEqual(['q']);
    await admin.close();
  });

  test('a lease is not released while something stands in a taken list: peers bring it back', async () => {
    const server = kept(await RedisServer.start());
    const connection = await server.connect();
    const keys = new RedisKeys(redisTransportOptions({}, 0));
    const lease = new Lease({ connection, keys, owner: 'w', clock: systemClock });
    await lease.register(300);
    for (const queue of ['q', 'empty']) await lease.registerTaken(queue);
    await connection.call('LPUSH', 'q/taken/w', envelopeOf('a'));
    await lease.release(['q', 'empty']);
    expect(((await connection.call('ZRANGE', keys.workers, 0, -1)) as string[]).toSorted()).toEqual(['q/taken/w', 'w']);
    const peer = kept(await openStore(server.url));
    await expect.poll(async () => (await peer.recover(100)) > 0, { timeout: 5000, interval: 450 }).toBe(true);
    expect(idsOf(await take(peer, ['q']))).toEqual(['a']);
    await connection.close();
  });

  test('a living worker finds at its second look what the server moved for an old connection of it', async () => {
    const server = kept(await RedisServer.start());
    const admin = await server.connect();
    const owner = newId();
    const store = kept(await openStore(server.url, { owner }));
    expect(await take(store, ['q'], 300)).toEqual([]);
    await admin.call('LPUSH', `q/taken/${owner}`, envelopeOf('a'));
    expect(await store.recover(100)).toBe(0);
    expect(await store.recover(100)).toBe(0);
    await systemClock.sleep(450);
    expect(await store.recover(100)).toBe(1);
    expect(idsOf(await take(store, ['q']))).toEqual(['a']);
    await admin.close();
  });

  test('a store that ends leaves the lease to another one of its owner', async () => {
    const server = kept(await RedisServer.start());
    const owner = newId();
    const [worker, mingle] = [kept(await openStore(server.url, { owner })), kept(await openStore(server.url, { owner }))];
    for (const store of [worker, mingle]) await take(store, ['q']);
    await mingle[Symbol.asyncDispose]();
    expect(await worker.renew(1000)).toBe(true);
    const admin = await server.connect();
    await worker[Symbol.asyncDispose]();
    expect(await admin.call('KEYS', '*')).toEqual([]);
    await admin.close();
  });

  test('what runs already, but was not recorded as held when the connection broke, does not come again', async () => {
    const server = kept(await RedisServer.start());
    const owner = newId();
    const admin = await server.connect();
    const got: Reservation[] = [];
    for (const id of ['runs', 'ended']) {
      const proxy = kept(await MuteProxy.start(server.port));
      const first = kept(await openStore(proxy.url, { owner }));
      const waiting = take(first, ['q'], 8000);
      await expect.poll(async () => /blocked_clients:1/.test(String(await admin.call('INFO', 'clients')))).toBe(true);
      proxy.isMute = true;
      await admin.call('LPUSH', 'q', envelopeOf(id));
      got.push(...(await waiting));
      await proxy[Symbol.asyncDispose]();
      await first.closed;
    }
    expect(await admin.call('LLEN', `q/taken/${owner}`)).toBe(2);
    const second = kept(await openStore(server.url, { owner }));
    await second.settle(got[1]!, 'ack');
    expect(await second.reconcile(new Set([got[0]!.id]), [got[0]!])).toBe(0);
    expect(await take(second, ['q'])).toEqual([]);
    expect(await admin.call('HKEYS', 'unacked')).toEqual([got[0]!.id]);
    await admin.close();
  });

  test('what a killed process held comes back exactly once', async () => {
    const server = kept(await RedisServer.start());
    const holder = spawn(
      process.execPath,
      ['--import', 'tsx', new URL('redis-holder.ts', import.meta.url).pathname, server.url.href, JSON.stringify(SHORT_LEASE)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.push(holder);
    const [line] = (await once(holder.stdout, 'data')) as [Buffer];
    expect(JSON.parse(String(line))).toEqual(['woken']);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const peers = [kept(await openStore(server.url)), kept(await openStore(server.url))];
    const back: unknown[] = [];
    await expect
      .poll(
        async () => {
          await Promise.all(peers.map((peer) => peer.renew(1000)));
          await Promise.all(peers.map((peer) => peer.recover(100)));
          const again = await take(peers[0]!, ['q']);
          expect(again.every(({ redelivered }) => redelivered)).toBe(true);
          for (const one of again) await peers[0]!.settle(one, 'ack');
          back.push(...idsOf(again));
          return back;
        },
        { timeout: 10_000, interval: 200 },
      )
      .toEqual(['woken']);
    for (let n = 0; n < 5; n++) {
      await systemClock.sleep(300);
      await Promise.all(peers.map((peer) => peer.renew(1000)));
      await Promise.all(peers.map((peer) => peer.recover(100)));
      expect(await take(peers[1]!, ['q'])).toEqual([]);
    }
  });

  test('another server’s data is a lost lease', async () => {
    const server = kept(await RedisServer.start());
    const store = kept(await openStore(server.url));
    expect(await store.renew(1000)).toBe(true);
    const admin = await server.connect();
    await admin.call('FLUSHALL');
    expect(await store.renew(1000)).toBe(false);
    await admin.close();
  });
}

const metaOf = (id: string, status = 'SUCCESS'): ResultMeta => ({
  task_id: id,
  status,
  result: encodedText('5'),
  traceback: null,
  children: [],
  date_done: null,
});

async function openBackend(url: URL, more: Partial<BackendOptions> = {}): Promise<ResultBackend> {
  return kept(
    await driver.open({
      url,
      clock: systemClock,
      log: silentLogger,
      codec: jsonCodec,
      expiresMs: 60_000,
      failureExpiresMs: 60_000,
      chordExpiresMs: 60_000,
      chordJoinTimeoutMs: 3000,
      transportOptions: {},
      settings: resolveSettings([{}]),
      ...more,
    }),
  );
}

function resultTests(): void {
  test('what is saved meanwhile is written when it is back, in order, and who watches hears of it', async () => {
    const server = kept(await RedisServer.start());
    const [writer, reader] = [await openBackend(server.url), await openBackend(server.url)];
    await writer.save(metaOf('a', 'STARTED'));
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { task_id, status } of reader.watch(['a', 'b'], { states: 'final', signal: new AbortController().signal }))
        seen.push(`${task_id} ${status}`);
    })();
    await systemClock.sleep(200);
    await server.stop();
    const saved = [writer.save(metaOf('a', 'RETRY')), writer.save(metaOf('a')), writer.save(metaOf('a', 'FAILURE')), writer.save(metaOf('b'))];
    await systemClock.sleep(500);
    await server.start();
    await Promise.all(saved);
    expect((await reader.load('a'))?.status).toBe('SUCCESS');
    await watching;
    expect(seen.toSorted()).toEqual(['a SUCCESS', 'b SUCCESS']);
  });

  test('no more than 10,000 wait', async () => {
    const server = kept(await RedisServer.start());
    const backend = await openBackend(server.url);
    await backend.save(metaOf('a'));
    await server.stop();
    const saves = Array.from({ length: 10_001 }, (_, n) => backend.save(metaOf(`t${n}`)));
    for (const one of saves) one.catch(() => undefined);
    await expect(saves.at(-1)).rejects.toBeInstanceOf(OperationalError);
    await server.start();
    await saves[9999];
    expect(await backend.load('t9999')).toBeDefined();
  });

  test('entries expire, failures apart from the rest', async () => {
    const server = kept(await RedisServer.start());
    const backend = await openBackend(server.url, { expiresMs: 600_000, failureExpiresMs: 60_000 });
    await Promise.all([backend.save(metaOf('a')), backend.save(metaOf('b', 'FAILURE'))]);
    const admin = await server.connect();
    expect(await admin.call('TTL', 'celery-task-meta-a')).toBeGreaterThan(590);
    expect(await admin.call('TTL', 'celery-task-meta-b')).toBeLessThanOrEqual(60);
    await admin.close();
  });
}

function refusalTests(): void {
  test('a server that is not there is named, without its password', async () => {
    const error = await openStore(new URL('redis://user:secret@127.0.0.1:1/0')).catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(OperationalError);
    expect((error as Error).message).toMatch(/cannot reach redis:\/\/user:\*\*@127\.0\.0\.1:1\/0: .*ECONNREFUSED/);
  });

  test('a server older than 6.2 is refused in words', async () => {
    const info = 'redis_version:5.0.14\r\nloading:0\r\n';
    const old = createServer((socket) => {
      socket.on('data', (data) => {
        for (const command of String(data).split(/(?=\*\d+\r\n)/)) socket.write(/\r\ninfo\r\n/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
      });
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await once(old, 'listening');
    const error = await openStore(new URL(`redis://127.0.0.1:${(old.address() as AddressInfo).port}/0`)).catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(ImproperlyConfigured);
    expect((error as Error).message).toContain('Redis 6.2 or newer is needed (as by kombu 5.7), but the server is 5.0.14');
    old.close();
  });
}
