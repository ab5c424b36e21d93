import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import type { RedisConnection } from '../../../src/clients/redis.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { transport } from '../../../src/transports/redis/index.ts';
import type { BrokerConnection } from '../../../src/transports/transport.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { idsOf, messageOf, openStore, RedisServer, SHORT_LEASE, take } from './redis-server.ts';

/* A connection that we have given up lives on for the server, which carries out what arrives late. */

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});
function kept<T extends AsyncDisposable>(one: T): T {
  opened.push(one);
  return one;
}

const isInstalled = ((): boolean => {
  try {
    return execFileSync('redis-server', ['--version']).length > 0;
  } catch {
    return false;
  }
})();
/** As it stands in a list. */
const envelopeOf = (id: string): string => `{"body":"YQ==","headers":{"id":"${id}"},"properties":{"body_encoding":"base64"}}`;
const LIMIT = { timeout: 15_000 };
const tagsIn = async (admin: RedisConnection): Promise<readonly string[]> => (await admin.call('HKEYS', 'unacked')) as string[];
const clientsOf = async (admin: RedisConnection): Promise<number> =>
  String(await admin.call('CLIENT', 'LIST')).match(/name=celeriac\/w1@test\/test/g)?.length ?? 0;

describe.skipIf(!isInstalled)(`Redis: a connection that is half open${isInstalled ? '' : ' (left out: redis-server is not installed)'}`, () => {
  /** A store whose take is on its way when the connection is lost, and the next one of its owner. */
  async function lateTake(acl: readonly string[] = []) {
    const server = kept(await RedisServer.start());
    const admin = await server.connect();
    kept({ [Symbol.asyncDispose]: () => admin.close() });
    await admin.call('ACL', 'SETUSER', 'w', 'on', '>pw', '~*', '&*', '+@all', ...acl);
    const proxy = kept(await TcpProxy.to(server.port));
    const owner = newId();
    const urlAt = (port: number): URL => new URL(`redis://w:pw@127.0.0.1:${port}/0`);
    const first = kept(await openStore(urlAt(proxy.port), { owner }));
    await first.put('q', messageOf('a'));
    await take(first, ['other']);
    proxy.delayOpen();
    take(first, ['q']).catch(() => undefined);
    // One tick, for the request to leave.
    await expect.poll(() => proxy.delayed, LIMIT).toBeGreaterThan(0);
    proxy.dropDelayed();
    await first.closed;
    expect(await clientsOf(admin)).toBeGreaterThan(0);
    const second = kept(await openStore(urlAt(server.port), { owner }));
    expect(await second.reconcile(new Set())).toBe(0);
    return { admin, proxy, second };
  }

  test('the server is told to end it, and takes nothing for it any more', async () => {
    const { admin, proxy, second } = await lateTake();
    expect(await clientsOf(admin)).toBe(1);
    proxy.deliver();
    expect(idsOf(await take(second, ['q'], 500))).toEqual(['a']);
  });

  test('where the server may not be told, what it took late comes back while we live; what we know of does not', async () => {
    const { admin, proxy, second } = await lateTake(['-client|kill']);
    proxy.deliver();
    await expect.poll(() => tagsIn(admin), LIMIT).toHaveLength(1);
    const [tag] = await tagsIn(admin);
    expect(await second.returnStrays(() => new Set([tag!]))).toBe(0);
    expect(await second.recover(100)).toBe(0);
    expect(await second.returnStrays(() => new Set())).toBe(1);
    expect(idsOf(await take(second, ['q'], 500))).toEqual(['a']);
    // What this store has taken itself is not its predecessor's.
    expect(await second.returnStrays(() => new Set())).toBe(0);
  });

  test('also while another connection of the same owner goes on taking, so that nobody can compare all that is held', async () => {
    const server = kept(await RedisServer.start());
    const proxy = kept(await TcpProxy.to(server.port));
    const admin = await server.connect();
    kept({ [Symbol.asyncDispose]: () => admin.close() });
    const owner = newId();
    const connect = (role: string): Promise<BrokerConnection> =>
      transport.connect({
        ...{ url: new URL(`redis://127.0.0.1:${proxy.port}/0`), owner, timeoutMs: 5000, heartbeatMs: 0, transportOptions: SHORT_LEASE, clock: systemClock },
        ...{ log: silentLogger, role, hostname: 'w1@test', maxMessageBytes: 2 ** 20, signal: new AbortController().signal, leaseThread: false },
      });
    const heard: unknown[] = [];
    const listen = async (connection: BrokerConnection, queue: string): Promise<AsyncDisposable> => {
      const channel = await connection.openChannel();
      channel.setPrefetch(10);
      await channel.consume(queue, (delivery) => void heard.push(delivery.message.headers['id']));
      return { [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose]() };
    };
    const worker = kept(await connect('worker'));
    const channel = await worker.openChannel();
    await channel.consume('q', () => undefined);
    await expect.poll(async () => /blocked_clients:1/.test(String(await admin.call('INFO', 'clients'))), LIMIT).toBe(true);
    proxy.delayOpen();
    await listen(kept(await connect('other')), 'elsewhere');
    // Of this list the worker is not told any more; it looks because it has another queue to look into.
    await admin.call('LPUSH', 'q\x06\x169', envelopeOf('a'));
    channel.consume('q2', () => undefined).catch(() => undefined);
    const tagsOnArrival = (): Promise<readonly string[]> => {
      // Whatever is on its way: a renewal of the lease may have left before the look.
      proxy.deliver();
      return tagsIn(admin);
    };
    await expect.poll(tagsOnArrival, LIMIT).toHaveLength(1);
    proxy.dropDelayed();
    await worker.closed;
    await listen(kept(await connect('worker')), 'q');
    await expect.poll(() => heard, LIMIT).toEqual(['a']);
  }, 40_000);
});
