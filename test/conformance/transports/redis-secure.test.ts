import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisAddress } from '../../../src/clients/redis-address.ts';
import { openRedis } from '../../../src/clients/redis.ts';
import { ImproperlyConfigured, OperationalError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { lease } from '../../../src/transports/redis/lease-line.ts';
import type { ConnectOptions } from '../../../src/transports/transport.ts';
import { openLeaseThread } from '../../../src/transports/virtual/lease-thread.ts';
import { idsOf, messageOf, openStore, RedisServer, SHORT_LEASE, take } from './redis-server.ts';

const leaseOptions = {
  ...{ timeoutMs: 5000, heartbeatMs: 0, transportOptions: SHORT_LEASE, clock: systemClock, log: silentLogger, role: 'lease' },
  ...{ hostname: 'w1@test', maxMessageBytes: 2 ** 20, signal: new AbortController().signal },
};

const isInstalled = spawnSync('redis-server', ['--version']).status === 0 && spawnSync('openssl', ['version']).status === 0;
if (!isInstalled) test.skip('redis, encrypted: redis-server or openssl is not installed', () => undefined);
else describe('redis, encrypted and locked', secureTests);

function secureTests(): void {
  const directory = mkdtempSync(join(tmpdir(), 'celeriac-tls-'));
  const file = (name: string): string => join(directory, name);
  let server: RedisServer;

  beforeAll(async () => {
    const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=127.0.0.1',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    );
    server = await RedisServer.startTls({ cert: file('cert.pem'), key: file('key.pem'), socket: file('redis.sock'), password: 'p@ss' });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const at = (scheme: string, query: string, password = 'p%40ss'): URL => new URL(`${scheme}://:${password}@127.0.0.1:${server.port}/0${query}`);

  test('rediss:// with the certificate that vouches for the server', async () => {
    const store = await openStore(at('rediss', `?ssl_cert_reqs=required&ssl_ca_certs=${file('cert.pem')}`));
    const waiting = take(store, ['q'], 5000);
    await store.put('q', messageOf('a', 5));
    const [one] = await waiting;
    expect(idsOf([one!])).toEqual(['a']);
    await store.settle(one!, 'ack');
    await store[Symbol.asyncDispose]();
  });

  test('a server that nobody vouches for is refused, unless that is wanted', async () => {
    await expect(openStore(at('rediss', ''))).rejects.toThrow(/self-signed certificate/);
    const store = await openStore(at('rediss', '?ssl_cert_reqs=CERT_NONE'));
    await store[Symbol.asyncDispose]();
  });

  test('the setting makes redis:// encrypted too', async () => {
    const address = redisAddress(at('redis', ''), { transportOptions: {}, tls: { rejectUnauthorized: false } });
    const connection = await openRedis(address, { name: 'test', timeoutMs: 5000, clock: systemClock, socketTimeoutMs: 5000 });
    expect(await connection.call('PING')).toBe('PONG');
    await connection.close();
  });

  test('a wrong password is a matter of configuration, and not shown', async () => {
    const error = (await openStore(at('rediss', '?ssl_cert_reqs=none', 'wrong')).catch((reason: unknown) => reason)) as Error;
    expect(error).toBeInstanceOf(ImproperlyConfigured);
    expect(error.message).toMatch(/WRONGPASS/);
    expect(error.message).not.toContain('wrong@');
  });

  test('redis+socket:// with a database number', async () => {
    const store = await openStore(new URL(`redis+socket://${file('redis.sock')}?virtual_host=3&password=p%40ss`));
    await store.put('q', messageOf('a'));
    const admin = await openRedis(redisAddress(at('rediss', '?ssl_cert_reqs=none'), { transportOptions: {} }), {
      name: 'test',
      timeoutMs: 5000,
      clock: systemClock,
      socketTimeoutMs: 5000,
    });
    await admin.call('SELECT', 3);
    expect(await admin.call('LLEN', 'q')).toBe(1);
    await admin.call('FLUSHDB');
    await admin.close();
    await store[Symbol.asyncDispose]();
  });

  test('the lease thread has a lease renewed by the same roads', async () => {
    const admin = await openRedis(redisAddress(at('rediss', '?ssl_cert_reqs=none'), { transportOptions: {} }), {
      ...{ name: 'test', timeoutMs: 5000, clock: systemClock, socketTimeoutMs: 5000 },
    });
    const roads: readonly Partial<ConnectOptions>[] = [
      { url: at('rediss', `?ssl_ca_certs=${file('cert.pem')}`), owner: 'by-url' },
      { url: at('redis', ''), tls: { ca: readFileSync(file('cert.pem')) }, owner: 'by-setting' },
      { url: new URL(`redis+socket://${file('redis.sock')}?password=p%40ss`), owner: 'by-socket' },
    ];
    for (const road of roads) {
      const thread = openLeaseThread(lease.module, { ...leaseOptions, ...road } as ConnectOptions);
      await expect.poll(() => admin.call('EXISTS', `celeriac/worker/${road.owner}`), { timeout: 20_000 }).toBe(1);
      await thread[Symbol.asyncDispose]();
    }
    await expect(lease.open({ ...leaseOptions, url: at('rediss', ''), owner: 'nobody' })).rejects.toThrow(/self-signed certificate/);
    await expect(lease.open({ ...leaseOptions, url: at('redis', ''), owner: 'nobody' })).rejects.toBeInstanceOf(OperationalError);
    await admin.close();
  });

  test('TLS words in the query of redis:// are refused', () => {
    expect(() => redisAddress(at('redis', '?ssl_cert_reqs=none'), { transportOptions: {} })).toThrow(/write rediss:\/\//);
    expect(() => redisAddress(new URL('redis://localhost/zero'), { transportOptions: {} })).toThrow(/number of a database/);
    expect(() => redisAddress(new URL('sentinel://localhost/0'), { transportOptions: {} })).toThrow(/master_name/);
  });

  test('a plain connection to an encrypted server fails in words', async () => {
    await expect(openStore(at('redis', ''), { timeoutMs: 2000 })).rejects.toBeInstanceOf(OperationalError);
  });
}
