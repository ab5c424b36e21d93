import { afterEach, describe, expect, test } from 'vitest';
import type { RedisConnection } from '../../../src/clients/redis.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { idsOf, messageOf, openStore, RedisServer, SHORT_LEASE, take } from './redis-server.ts';

/* What an access list does not allow is said with the commands that are needed; no message is lost by it, and none runs twice while its worker lives. */

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});
function kept<T extends AsyncDisposable>(one: T): T {
  opened.push(one);
  return one;
}

if (!RedisServer.isInstalled) test.skip('access lists of Redis: redis-server is not installed', () => undefined);
else describe('a user of Redis who may not record what is held', { timeout: 60_000 }, aclTests);

function aclTests(): void {
  async function setUp() {
    const server = kept(await RedisServer.start());
    const admin = await server.connect();
    kept({ [Symbol.asyncDispose]: () => admin.close() });
    const allow = (...rules: string[]): Promise<unknown> => admin.call('ACL', 'SETUSER', 'w', 'on', '>pw', '~*', '&*', '+@all', ...rules);
    await allow();
    const said: string[] = [];
    const open = async () => {
      const url = new URL(`redis://w:pw@127.0.0.1:${server.port}/0`);
      const owner = newId();
      return { owner, store: kept(await openStore(url, { owner, log: { ...silentLogger, error: (text) => void said.push(text) } })) };
    };
    return { admin, allow, said, open };
  }
  const needs = /this step needs .*HSET.*ZADD.*allow the user/;
  const taken = (admin: RedisConnection, owner: string): Promise<unknown> => admin.call('LLEN', `q/taken/${owner}`);

  test('takes nothing that is there, and is told which commands are needed', async () => {
    const { admin, allow, open } = await setUp();
    const { store } = await open();
    await store.put('q', messageOf('a'));
    await allow('-hset');
    await expect(take(store, ['q'])).rejects.toThrow(needs);
    expect(await store.size('q')).toBe(1);
    await allow();
    expect(idsOf(await take(store, ['q']))).toEqual(['a']);
    expect(await admin.call('HLEN', 'unacked')).toBe(1);
  });

  test('what came while it waited is kept in its taken list: no sweep takes it for a stray, and its ack removes it', async () => {
    const { admin, allow, said, open } = await setUp();
    const { owner, store } = await open();
    const waiting = take(store, ['q'], 20_000);
    await expect.poll(() => admin.call('CLIENT', 'LIST'), { timeout: 20_000 }).toMatch(/cmd=blmove/);
    await allow('-hset');
    await store.put('q', messageOf('a'));
    const [a] = await waiting;
    await expect.poll(() => said, { timeout: 20_000 }).toEqual([expect.stringMatching(needs)]);
    // Far longer than what stands there unknown to anybody is left alone.
    for (const end = systemClock.now() + 3 * confirmMs; systemClock.now() < end; await systemClock.sleep(100)) expect(await store.recover(100)).toBe(0);
    expect([await taken(admin, owner), await store.size('q')]).toEqual([1, 0]);
    await store.settle(a!, 'ack');
    expect(await taken(admin, owner)).toBe(0);
  });

  test('what came while it waited goes back when it is given back', async () => {
    const { admin, allow, said, open } = await setUp();
    const { owner, store } = await open();
    const waiting = take(store, ['q'], 20_000);
    await expect.poll(() => admin.call('CLIENT', 'LIST'), { timeout: 20_000 }).toMatch(/cmd=blmove/);
    await allow('-hset');
    await store.put('q', messageOf('a'));
    const [a] = await waiting;
    await expect.poll(() => said.length, { timeout: 20_000 }).toBe(1);
    await store.settle(a!, 'return').catch(() => undefined);
    await expect.poll(() => store.recover(100), { timeout: 20_000 }).toBe(1);
    expect([await taken(admin, owner), await store.size('q')]).toEqual([0, 1]);
  });
}

const confirmMs = Number(SHORT_LEASE['lease_look_ms']);
