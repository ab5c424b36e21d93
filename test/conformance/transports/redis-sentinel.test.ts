// The lease behind real sentinels: its thread finds the master, and the next one after a failover, while this event loop stands still.
import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { parseUrls } from '../../../src/kernel/broker-url.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { lease } from '../../../src/transports/redis/lease-line.ts';
import { openLeaseThread } from '../../../src/transports/virtual/lease-thread.ts';

const sentinels = process.env['CELERIAC_TEST_SENTINEL'];
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

if (sentinels === undefined) test.skip('the lease behind sentinels: CELERIAC_TEST_SENTINEL is not set (npm test sets it where it can)', () => undefined);
else describe('the lease behind sentinels', { timeout: 120_000 }, () => sentinelTests(sentinels));

function sentinelTests(addresses: string): void {
  const ask = (port: string, ...command: readonly string[]): string => execFileSync('redis-cli', ['-p', port, ...command], { encoding: 'utf8' }).trim();
  const [url] = parseUrls(addresses) as [URL];
  /** The port of the master, by the first sentinel. */
  const master = (): string => ask(url.port, 'SENTINEL', 'get-master-addr-by-name', 'mymaster').split('\n')[1]!;

  test('is renewed on the master by the thread alone, and on the next master after a failover', async () => {
    const owner = newId();
    const key = `celeriac/worker/${owner}`;
    const left = (): number => Number(ask(master(), 'PTTL', key));
    const thread = openLeaseThread(lease.module, {
      url,
      owner,
      timeoutMs: 10_000,
      heartbeatMs: 0,
      transportOptions: { master_name: 'mymaster', lease_ms: 3000, lease_renew_ms: 300 },
      clock: systemClock,
      log: silentLogger,
      role: 'lease',
      hostname: 'w1@test',
      maxMessageBytes: 2 ** 20,
      signal: new AbortController().signal,
    });
    opened.push(thread);
    await expect.poll(left, { timeout: 30_000 }).toBeGreaterThan(0);

    const comesBackWhileBlocked = (): boolean => {
      ask(master(), 'DEL', key);
      for (const end = systemClock.now() + 20_000; systemClock.now() < end;) if (left() > 0) return true;
      return false;
    };
    expect(comesBackWhileBlocked()).toBe(true);

    const before = master();
    // Refused while a failover or its aftermath goes on.
    await expect.poll(() => ask(url.port, 'SENTINEL', 'FAILOVER', 'mymaster'), { timeout: 30_000, interval: 500 }).toBe('OK');
    await expect.poll(master, { timeout: 30_000, interval: 100 }).not.toBe(before);
    // The new master is one that can be written to only when the sentinels are done with it.
    await expect.poll(() => ask(master(), 'ROLE').split('\n')[0], { timeout: 30_000 }).toBe('master');
    expect(comesBackWhileBlocked()).toBe(true);
    ask(master(), 'ZREM', 'celeriac/workers', owner);
  });
}
