import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RedisConnection } from '../../../src/clients/redis.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { openAdmin } from '../../kit/redis-admin.ts';
import { idsOf, messageOf, openStore, SHORT_LEASE, take } from './redis-server.ts';

/*
 * An empty list is no key: whoever else uses the server may then keep a hash under the name of a queue. What has to do with that queue fails,
 * in the server's own words, and no message is lost by it.
 */

const url = process.env['CELERIAC_TEST_REDIS'];
if (url === undefined) test.skip('redis: the environment variable CELERIAC_TEST_REDIS is not set', () => undefined);
else describe('a key of another type under the name of a list', () => wrongTypeTests(new URL(url)));

function wrongTypeTests(server: URL): void {
  let admin: RedisConnection;
  let prefix = '';
  const opened: AsyncDisposable[] = [];
  beforeAll(async () => void (admin = await openAdmin(server)));
  beforeEach(() => void (prefix = `${newId()}:`));
  afterEach(async () => {
    for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
    const left = (await admin.call('KEYS', `${prefix}*`)) as string[];
    if (left.length > 0) await admin.call('DEL', ...left);
  });
  afterAll(() => admin.close());

  const open = async (owner = newId()) => {
    const store = await openStore(server, { owner, transportOptions: { global_keyprefix: prefix } });
    opened.push(store);
    return store;
  };
  const occupy = (key: string): Promise<unknown> => admin.call('HSET', prefix + key, 'x', '1');
  const vacate = (key: string): Promise<unknown> => admin.call('DEL', prefix + key);
  const heldCount = async (): Promise<number> => Number(await admin.call('HLEN', `${prefix}unacked`));

  test('taking hands out what it has taken before it met that key, and says so when there is nothing else', async () => {
    const store = await open();
    for (const id of ['m1', 'm2', 'm3']) await store.put('mail', messageOf(id));
    await occupy('sms');
    const taken = await take(store, ['mail', 'sms']);
    expect(idsOf(taken)).toEqual(['m1', 'm2', 'm3']);
    expect(await heldCount()).toBe(3);
    await expect(take(store, ['mail', 'sms'])).rejects.toThrow('WRONGTYPE');
    // Acks that travel with such a take are carried out.
    const acked = store.settle(taken[0]!, 'ack');
    await take(store, ['mail', 'sms']);
    await acked;
    expect(await heldCount()).toBe(2);
  });

  test('what cannot be recorded as held is put back in its order', async () => {
    const store = await open();
    for (const id of ['m1', 'm2']) await store.put('mail', messageOf(id));
    await store.put('sms', messageOf('s1'));
    await admin.call('SET', `${prefix}unacked_index`, 'x');
    await expect(take(store, ['mail', 'sms'])).rejects.toThrow('WRONGTYPE');
    expect([await store.size('mail'), await store.size('sms'), await heldCount()]).toEqual([2, 1, 0]);
    await vacate('unacked_index');
    expect(idsOf(await take(store, ['mail', 'sms']))).toEqual(['m1', 'm2', 's1']);
  });

  test.each(['return', 'requeue', 'dead'] as const)('a message that cannot go there (%s) stays held, and comes back when it can', async (verdict) => {
    const owner = newId();
    const store = await open(owner);
    await store.put('mail', messageOf('m1'));
    const [m1] = await take(store, ['mail']);
    const key = verdict === 'dead' ? 'celeriac/dead/mail' : 'mail';
    await occupy(key);
    await expect(store.settle(m1!, verdict)).rejects.toThrow('WRONGTYPE');
    expect(await heldCount()).toBe(1);
    await vacate(key);
    expect(await store.reconcile(new Set())).toBe(1);
    expect(idsOf(await take(store, ['mail']))).toEqual(['m1']);
  });

  test('what a lost worker held for that key is kept, the rest goes back at once', async () => {
    const lost = await open();
    for (const queue of ['mail', 'sms']) await lost.put(queue, messageOf(queue));
    expect(await take(lost, ['mail', 'sms'])).toHaveLength(2);
    await occupy('mail');
    await admin.call('DEL', `${prefix}celeriac/worker/${lost.owner}`);
    const peer = await open();
    await expect.poll(() => peer.recover(1000), { interval: Number(SHORT_LEASE['lease_look_ms']), timeout: 20_000 }).toBe(1);
    expect(idsOf(await take(peer, ['sms']))).toEqual(['sms']);
    for (let look = 0; look < 3; look++) expect(await peer.recover(1000)).toBe(0);
    await vacate('mail');
    expect(await peer.recover(1000)).toBe(1);
    expect(idsOf(await take(peer, ['mail']))).toEqual(['mail']);
  });

  test('what a blocking take had moved stays in its taken list', async () => {
    const owner = newId();
    const store = await open(owner);
    const taken = `${prefix}mail/taken/${owner}`;
    await admin.call('LPUSH', taken, '{"headers":{"id":"m1"},"properties":{}}');
    await admin.call('ZADD', `${prefix}celeriac/workers`, 1, `mail/taken/${owner}`);
    await occupy('mail');
    expect(await store.reconcile(new Set())).toBe(0);
    expect(await admin.call('LLEN', taken)).toBe(1);
    await vacate('mail');
    expect(await store.reconcile(new Set())).toBe(1);
    expect(await store.size('mail')).toBe(1);
  });

  test('what is due for that key is kept, and does not keep back what is due for others', async () => {
    const store = await open();
    for (const queue of ['mail', 'sms']) await store.put(queue, messageOf(queue));
    const taken = await take(store, ['mail', 'sms']);
    await Promise.all(taken.map((reservation) => store.park(reservation, Date.now())));
    await occupy('mail');
    expect(await store.recover(1000)).toBe(1);
    expect(idsOf(await take(store, ['sms']))).toEqual(['sms']);
    expect(await admin.call('ZCARD', `${prefix}celeriac/eta`)).toBe(1);
    await vacate('mail');
    expect(await store.recall(['mail'])).toBe(1);
    expect(idsOf(await take(store, ['mail']))).toEqual(['mail']);
  });
}
