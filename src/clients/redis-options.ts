import type { RedisAddress } from './redis-address.ts';
import type { RedisOpenOptions } from './redis.ts';

/** What ioredis is told: to connect once, and to leave everything else to us. */
export function clientOptions(address: RedisAddress, options: RedisOpenOptions) {
  const { sentinel } = address;
  const where = address.path === undefined ? { host: address.host, port: address.port } : { path: address.path };
  return {
    ...(sentinel === undefined
      ? where
      : {
          name: sentinel.masterName,
          sentinels: sentinel.hosts.map(({ host, port }) => ({ host, port })),
          ...(sentinel.username === undefined ? {} : { sentinelUsername: sentinel.username }),
          ...(sentinel.password === undefined ? {} : { sentinelPassword: sentinel.password }),
          sentinelRetryStrategy: () => null,
          failoverDetector: true,
        }),
    db: address.db,
    username: address.username,
    password: address.password,
    ...(address.tls === undefined ? {} : { tls: address.tls as object }),
    connectionName: options.name,
    // The older protocol wherever it does: the same replies, and invalidations of tracked keys come as ordinary messages.
    protocol: options.asksWhileSubscribed === true ? (3 as const) : (2 as const),
    disableClientInfo: true,
    connectTimeout: options.timeoutMs,
    ...(options.socketTimeoutMs === null ? {} : { socketTimeout: options.socketTimeoutMs }),
    ...(options.keepAlive === true ? { keepAlive: 30_000 } : {}),
    lazyConnect: true,
    retryStrategy: () => null,
    reconnectOnError: null,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
  };
}
