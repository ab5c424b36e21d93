import { redisAddress } from '../../src/clients/redis-address.ts';
import { openRedis, type RedisConnection } from '../../src/clients/redis.ts';
import { systemClock } from '../../src/kernel/clock.ts';

/** A connection of a test's own, for looking at what is there and for cleaning up. */
export function openAdmin(server: URL | string): Promise<RedisConnection> {
  const address = redisAddress(new URL(server), { transportOptions: {} });
  return openRedis(address, { name: 'celeriac/test/admin', timeoutMs: 5000, clock: systemClock, socketTimeoutMs: 60_000 });
}
