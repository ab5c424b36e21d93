import { redisAddress } from '../../clients/redis-address.ts';
import { openRedisLine } from '../../clients/redis-line.ts';
import type { ConnectOptions } from '../transport.ts';
import type { LeaseDriver, LeaseHolder } from '../virtual/lease-thread.ts';
import { RedisKeys } from './keys.ts';
import { Lease } from './lease.ts';
import { connectionName, redisTransportOptions } from './options.ts';

/** The lease alone, on a connection of its own, for the lease thread: this module loads neither the store nor its client. */
export const lease: LeaseDriver = { module: import.meta.url, open };

async function open(connect: ConnectOptions): Promise<LeaseHolder> {
  const { url, owner, hostname, role, timeoutMs, clock } = connect;
  const address = redisAddress(url, connect);
  // Which server is the master only sentinels know, whom the client library asks.
  if (address.sentinel !== undefined) return (await import('./store.ts')).RedisStore.open(connect);
  const options = redisTransportOptions(connect.transportOptions, address.db);
  const line = await openRedisLine(address, {
    name: connectionName(hostname, role),
    timeoutMs,
    // A renewal that is not answered leaves time for another, on a new connection.
    answerMs: options.leaseMs / 2,
    clock,
    keepAlive: options.socketKeepalive,
  });
  const held = new Lease({ connection: line, keys: new RedisKeys(options), owner, clock });
  return { renew: (leaseMs) => held.renew(leaseMs), [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() };
}
