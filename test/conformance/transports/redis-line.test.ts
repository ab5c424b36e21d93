import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { redisAddress } from '../../../src/clients/redis-address.ts';
import { openRedisLine, type RedisLine } from '../../../src/clients/redis-line.ts';
import { redisScript } from '../../../src/clients/redis.ts';
import { OperationalError, ResponseError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { lease } from '../../../src/transports/redis/lease-line.ts';
import type { ConnectOptions } from '../../../src/transports/transport.ts';
import { openLeaseThread } from '../../../src/transports/virtual/lease-thread.ts';
import { RedisServer } from './redis-server.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

function kept<T extends AsyncDisposable>(one: T): T {
  opened.push(one);
  return one;
}

const serverOf = async (...args: string[]): Promise<RedisServer> => kept(await RedisServer.start(args));

async function lineTo(server: RedisServer, login = '', path = '/0', answerMs = 10_000): Promise<RedisLine> {
  const url = new URL(`redis://${login}127.0.0.1:${server.port}${path}`);
  const address = redisAddress(url, { transportOptions: {} });
  return kept(await openRedisLine(address, { name: 'celeriac/w1/lease', timeoutMs: 10_000, answerMs, clock: systemClock }));
}

/** Without a turn of the event loop. */
const askAtOnce = (server: RedisServer, ...command: string[]): string =>
  execFileSync('redis-cli', ['-p', String(server.port), ...command], { encoding: 'utf8' }).trim();

function lineTests(): void {
  test('logs in, chooses the database, and says its name', async () => {
    const server = await serverOf('--requirepass', 'p@ss');
    const line = await lineTo(server, ':p%40ss@', '/5');
    expect(await line.call('SET', 'k', 'ü')).toBe('OK');
    expect(await line.call('CLIENT', 'GETNAME')).toBe('celeriac/w1/lease');
    const other = await lineTo(server, 'default:p%40ss@', '/0');
    expect(await other.call('GET', 'k')).toBeNull();
    await other.call('SELECT', 5);
    expect(await other.call('GET', 'k')).toBe('ü');
  });

  test('a wrong password, none, and a database that there is not, are refused in the words of the server', async () => {
    const server = await serverOf('--requirepass', 'p@ss');
    const error = (await lineTo(server, ':wrong@').catch((reason: unknown) => reason)) as Error;
    expect(error).toBeInstanceOf(ResponseError);
    expect(error.message).toMatch(/WRONGPASS/);
    expect(error.message).not.toContain('wrong@');
    await expect(lineTo(server)).rejects.toThrow(/NOAUTH/);
    await expect(lineTo(server, ':p%40ss@', '/99')).rejects.toThrow(/DB index is out of range/);
  });

  test('a password that the server does not ask for, and a name that we may not have, do not matter', async () => {
    const server = await serverOf();
    await expect(lineTo(server, ':needless@')).resolves.toBeDefined();
    askAtOnce(server, 'ACL', 'SETUSER', 'u', 'on', '>p', '~*', '+get');
    const line = await lineTo(server, 'u:p@');
    expect(await line.call('GET', 'k')).toBeNull();
    await expect(line.call('SET', 'k', 'v')).rejects.toThrow(/NOPERM/);
  });

  test('runs a script that the server does not know, or not any more', async () => {
    const server = await serverOf();
    const line = await lineTo(server);
    const script = redisScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`);
    expect(await line.run(script, ['n'], [2])).toBe(2);
    askAtOnce(server, 'SCRIPT', 'FLUSH');
    expect(await line.run(script, ['n'], [3])).toBe(5);
  });

  test('a server that goes away: what was asked rejects, and so does all that is asked after', async () => {
    const server = await serverOf();
    const line = await lineTo(server);
    const asked = line.run(redisScript('while true do end'), [], []).catch((reason: unknown) => reason);
    await systemClock.sleep(50);
    await server.stop();
    const error = await asked;
    expect(error).toBeInstanceOf(OperationalError);
    expect((error as Error).message).toMatch(/lost the connection to redis:/);
    expect(line.isClosed).toBe(true);
    await expect(line.call('PING')).rejects.toBe(error);
  });

  test('a server that is frozen is given up in time', async () => {
    const server = await serverOf();
    const line = await lineTo(server, '', '/0', 500);
    server.freeze();
    const askedAt = systemClock.monotonic();
    await expect(line.call('PING')).rejects.toThrow(/no answer within 0\.5 s/);
    expect(systemClock.monotonic() - askedAt).toBeLessThan(10_000);
    server.thaw();
  });
}

function leaseTests(): void {
  const options = (server: RedisServer, more: Partial<ConnectOptions> = {}): ConnectOptions => ({
    url: new URL(`${server.url.href.slice(0, -1)}3`),
    owner: 'w1',
    timeoutMs: 10_000,
    heartbeatMs: 0,
    transportOptions: { global_keyprefix: 'mine:', lease_ms: 2000, lease_renew_ms: 400 },
    clock: systemClock,
    log: silentLogger,
    role: 'lease',
    hostname: 'w1@test',
    maxMessageBytes: 2 ** 20,
    signal: new AbortController().signal,
    ...more,
  });
  const leaseLeft = (server: RedisServer): number => Number(askAtOnce(server, '-n', '3', 'PTTL', 'mine:celeriac/worker/w1'));

  test('its thread renews while the event loop is blocked', async () => {
    const server = await serverOf();
    const thread = kept(openLeaseThread(lease.module, options(server)));
    const errors: Error[] = [];
    thread.onError((error) => errors.push(error));
    await expect.poll(() => leaseLeft(server), { timeout: 20_000 }).toBeGreaterThan(0);
    askAtOnce(server, '-n', '3', 'PERSIST', 'mine:celeriac/worker/w1');
    for (const end = systemClock.now() + 20_000; systemClock.now() < end && leaseLeft(server) < 0;);
    expect(leaseLeft(server)).toBeGreaterThan(0);
    expect(askAtOnce(server, '-n', '3', 'ZRANGE', 'mine:celeriac/workers', '0', '-1')).toBe('w1');
    expect(askAtOnce(server, 'CLIENT', 'LIST')).toContain('name=celeriac/w1@test/lease');
    expect(errors).toEqual([]);
  });

  test('its thread says that peers have declared the owner lost', async () => {
    const server = await serverOf();
    askAtOnce(server, '-n', '3', 'SET', 'mine:celeriac/worker/w1', 'lost');
    const thread = kept(openLeaseThread(lease.module, options(server)));
    await new Promise<void>((resolve) => thread.onLost(resolve));
  });

  test('its thread goes on after the server was away', async () => {
    const server = await serverOf();
    const thread = kept(openLeaseThread(lease.module, options(server)));
    await expect.poll(() => leaseLeft(server), { timeout: 20_000 }).toBeGreaterThan(0);
    const told = new Promise<Error>((resolve) => thread.onError(resolve));
    await server.stop();
    expect((await told).message).toMatch(/lost the connection|cannot reach/);
    await server.start();
    askAtOnce(server, 'FLUSHALL');
    await expect.poll(() => leaseLeft(server), { timeout: 20_000 }).toBeGreaterThan(0);
  });

  test('loads neither the store nor the client library', async () => {
    const server = await serverOf();
    const program = `
      import { createRequire } from 'node:module';
      const { lease } = await import(${JSON.stringify(lease.module)});
      const clock = (await import(${JSON.stringify(new URL('../../../src/kernel/clock.ts', import.meta.url).href)})).systemClock;
      const url = new URL(${JSON.stringify(server.url.href)});
      const holder = await lease.open({ url, owner: 'w1', timeoutMs: 10_000, transportOptions: {}, clock, role: 'lease' });
      const isOurs = await holder.renew(1000);
      await holder[Symbol.asyncDispose]();
      const libraries = Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('node_modules/ioredis'));
      console.log(JSON.stringify({ isOurs, libraries }));`;
    const printed = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual({ isOurs: true, libraries: [] });
  });
}

if (!RedisServer.isInstalled) test.skip('the line to Redis: redis-server is not installed', () => undefined);
else {
  describe('a line to Redis', lineTests);
  describe('the lease on Redis', leaseTests);
}
