import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { deferred } from '../../../src/kernel/deferred.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { StoreConnections } from '../../../src/transports/redis/connections.ts';
import type { RedisStore } from '../../../src/transports/redis/store.ts';
import { idsOf, messageOf, openStore, RedisServer, SHORT_LEASE, take } from './redis-server.ts';

/* A server of its own, whose commands nobody else adds to: what one who waits for messages costs it, and where they are meanwhile. */
if (!RedisServer.isInstalled) test.skip('redis: redis-server is not installed', () => undefined);
else {
  test('a message that is done with at once is removed from its taken list, and the server is asked nothing else', async () => {
    const { store, ask, scriptsRun, blocked, owner } = await waitingStore();
    const scriptsOfOne = async (): Promise<number> => {
      const waiting = take(store, ['q'], 20_000);
      await blocked();
      const before = await scriptsRun();
      await ask('LPUSH', 'q', await envelopeOf(ask, store, 'one'));
      const [reservation] = await waiting;
      await store.settle(reservation!, 'ack');
      expect([await ask('LLEN', `q/taken/${owner}`), await ask('EXISTS', 'unacked', 'unacked_index')]).toEqual([0, 0]);
      return (await scriptsRun()) - before;
    };
    // On a busy machine one or another is not done with at once.
    await expect.poll(scriptsOfOne, { timeout: 20_000 }).toBe(0);
  });

  test('one that takes a while is held like any other', async () => {
    const { store, ask, blocked, owner } = await waitingStore();
    const waiting = take(store, ['q'], 20_000);
    await blocked();
    await store.put('q', messageOf('long'));
    const [reservation] = await waiting;
    await expect.poll(() => ask('HKEYS', 'unacked')).toEqual([reservation!.id]);
    expect(await ask('LLEN', `q/taken/${owner}`)).toBe(0);
    await store.settle(reservation!, 'ack');
    expect(await ask('EXISTS', 'unacked', 'unacked_index')).toBe(0);
  });

  test('one that came before its taker was ready to collect it is not put back meanwhile', async () => {
    const { store, ask, blocked } = await waitingStore();
    const envelope = await envelopeOf(ask, store, 'early');
    const { blocking } = StoreConnections.prototype;
    const opened = deferred<void>();
    onTestFinished(() => opened.resolve());
    using opening = vi.spyOn(StoreConnections.prototype, 'blocking').mockImplementation(async function (this: StoreConnections) {
      await opened.promise;
      return blocking.call(this);
    });
    // The wait for the first queue goes on while the connection for the second is being opened.
    expect(await take(store, ['q'], 50)).toEqual([]);
    const waiting = take(store, ['q', 'second'], 20_000);
    await expect.poll(() => opening.mock.calls.length).toBe(1);
    await blocked();
    await ask('LPUSH', 'q', envelope);
    for (let look = 0; look < 3; look++) {
      expect(await store.recover(100)).toBe(0);
      await systemClock.sleep(SHORT_LEASE['lease_look_ms'] as number);
    }
    opened.resolve();
    expect(idsOf(await waiting)).toEqual(['early']);
    expect(await ask('EXISTS', 'q')).toBe(0);
  });

  test('one that the server would not record just now stays with whoever works on it, and is removed when it is done with', async () => {
    const { store, ask, blocked, owner } = await waitingStore();
    const waiting = take(store, ['q'], 20_000);
    await blocked();
    const envelope = await envelopeOf(ask, store, 'long');
    // In one write: it is handed out, and nothing may be written any more.
    await Promise.all([ask('LPUSH', 'q', envelope), ask('CONFIG', 'SET', 'min-replicas-to-write', 1)]);
    const [reservation] = await waiting;
    await expect.poll(() => ask('INFO', 'errorstats')).toContain('errorstat_NOREPLICAS:');
    await ask('CONFIG', 'SET', 'min-replicas-to-write', 0);
    for (let look = 0; look < 3; look++) {
      expect(await store.recover(100)).toBe(0);
      await systemClock.sleep(SHORT_LEASE['lease_look_ms'] as number);
    }
    await store.settle(reservation!, 'ack');
    expect([await ask('LLEN', `q/taken/${owner}`), await ask('EXISTS', 'q', 'unacked', 'unacked_index')]).toEqual([0, 0]);
  });

  test('one that the server never records is not put back under the hands of its worker when a connection ends or the next begins', async () => {
    const { server, store, ask, blocked, owner } = await waitingStore();
    const waiting = take(store, ['q'], 20_000);
    await blocked();
    await ask('SET', 'unacked_index', 'of another type');
    await ask('LPUSH', 'q', await envelopeOf(ask, store, 'long'));
    const [reservation] = await waiting;
    await expect.poll(() => ask('INFO', 'errorstats')).toContain('errorstat_WRONGTYPE:');
    await store[Symbol.asyncDispose]();
    await using next = await openStore(server.url, { owner });
    expect(await next.reconcile(new Set([reservation!.id]), [reservation!])).toBe(0);
    expect([await ask('LLEN', `q/taken/${owner}`), await ask('EXISTS', 'q')]).toEqual([1, 0]);
    // A peer would find it if this worker died now.
    expect(await ask('ZRANGE', 'celeriac/workers', 0, -1)).toContain(`q/taken/${owner}`);
    await ask('DEL', 'unacked_index');
    await next.settle(reservation!, 'ack');
    expect([await ask('LLEN', `q/taken/${owner}`), await ask('EXISTS', 'q', 'unacked')]).toEqual([0, 0]);
  });

  test('one that is given back at once goes back', async () => {
    const { store, ask, blocked, owner } = await waitingStore();
    const waiting = take(store, ['q'], 20_000);
    await blocked();
    await store.put('q', messageOf('back'));
    const [reservation] = await waiting;
    await store.settle(reservation!, 'requeue');
    expect([await ask('LLEN', `q/taken/${owner}`), await ask('EXISTS', 'unacked'), await store.size('q')]).toEqual([0, 0, 1]);
  });

  test('when more has come than the one that ended the wait, the rest is taken at once', async () => {
    const { store, ask, blocked } = await waitingStore();
    const waiting = take(store, ['q'], 20_000);
    await blocked();
    const ids = Array.from({ length: 40 }, (_, i) => `m${i}`);
    for (const id of ids) await store.put('q', messageOf(id));
    const got = [...idsOf(await waiting)];
    const looks: number[] = [];
    while (got.length < ids.length) {
      const batch = idsOf(await take(store, ['q'], 5000));
      looks.push(batch.length);
      got.push(...batch);
    }
    expect(got).toEqual(ids);
    expect(looks.length).toBeLessThanOrEqual(4);
    expect(await ask('LLEN', 'q')).toBe(0);
  });

  test('what came into a list that no blocking take waits for is found though nothing was looked for', async () => {
    const { store, blocked } = await waitingStore();
    for (const priority of [9, 0, 6, 3]) {
      const waiting = take(store, ['q'], 20_000);
      await blocked();
      const message = messageOf(`p${priority}`);
      await store.put('q', { ...message, properties: { ...message.properties, priority } });
      expect(idsOf(await waiting)).toEqual([`p${priority}`]);
    }
  });

  test('a message put while a look is on its way is found by the next', async () => {
    const { store } = await waitingStore();
    const message = messageOf('own');
    for (let i = 0; i < 5; i++) {
      const looking = take(store, ['q'], 20_000);
      await store.put('q', { ...message, properties: { ...message.properties, priority: 6 } });
      const startedAt = performance.now();
      const [reservation] = await looking;
      expect(performance.now() - startedAt).toBeLessThan(4000);
      await store.settle(reservation!, 'ack');
    }
  });

  test('a list that lost its connection to a ninth queue is looked into before anybody waits for it', async () => {
    const { store, blocked, ask } = await waitingStore();
    const queues = Array.from({ length: 8 }, (_, i) => `many${i}`);
    for (const queue of [...queues, ...queues]) {
      const waiting = take(store, queues, 20_000);
      await blocked(8);
      await ask('LPUSH', queue, await envelopeOf(ask, store, queue));
      await store.settle((await waiting)[0]!, 'ack');
    }
    const other = take(store, ['ninth'], 20_000);
    await expect.poll(() => ask('CLIENT', 'LIST')).toContain('cmd=blmove');
    await blocked(1);
    const waiting = take(store, queues, 20_000);
    await blocked(8);
    await ask('LPUSH', 'many0', await envelopeOf(ask, store, 'found'));
    const startedAt = performance.now();
    expect(idsOf(await waiting)).toEqual(['found']);
    expect(performance.now() - startedAt).toBeLessThan(4000);
    await store.put('ninth', messageOf('end'));
    await other;
  });
}

/** A store that has looked into queue `q` in vain, so that it waits. */
async function waitingStore() {
  const server = await RedisServer.start();
  const owner = newId();
  const [store, admin] = [await openStore(server.url, { owner }), await server.connect()];
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]();
    await admin.close();
    await server[Symbol.asyncDispose]();
  });
  await take(store, ['q'], 50);
  await take(store, ['q'], 50);
  const ask: Ask = (name, ...args) => admin.call(name, ...args);
  return {
    ...{ server, store, ask, owner },
    /** So many of its connections wait by now. */
    blocked: (count = 1) => expect.poll(async () => String(await ask('INFO', 'clients')), { timeout: 10_000 }).toContain(`blocked_clients:${count}\r`),
    async scriptsRun(): Promise<number> {
      const calls = String(await ask('INFO', 'commandstats')).matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm);
      return [...calls].reduce((sum, [, count]) => sum + Number(count), 0);
    },
  };
}

type Ask = (name: string, ...args: (string | number)[]) => Promise<unknown>;

/** A message's text as a store writes it. */
async function envelopeOf(ask: Ask, store: RedisStore, id: string): Promise<string> {
  await store.put('elsewhere', messageOf(id));
  return (await ask('RPOP', 'elsewhere')) as string;
}
