import type { Clock } from '../kernel/clock.ts';
import type { RedisAddress } from './redis-address.ts';

export interface RedisOpenOptions {
  /** CLIENT SETNAME: `celeriac/<node>/<role>`. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** A connection silent for this long with a command under way is dead. Null: blocking commands and subscriptions watch over themselves. */
  readonly socketTimeoutMs: number | null;
  readonly keepAlive?: boolean;
  /** Speak the newer protocol if the server does, in which a connection that is subscribed takes all other commands too. */
  readonly asksWhileSubscribed?: boolean;
  /** Whether the open connection keeps the process alive, as a worker's does; default: it does. Otherwise whoever waits for an answer sees to that. */
  readonly holdsProcess?: boolean;
}

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
