import { row, type Kind } from './kind.ts';
import { count, credentials, duration, either, flag, orNull, text, tls } from './kinds.ts';

const database: Kind<number | string> = either(count, text, 'the number of a database');

/** Settings of results in Redis. */
export const redisSettings = {
  /** Asked for user and password before each connection, instead of those in the URL. */
  redisBackendCredentialProvider: row(orNull(credentials), null, { built: false, secret: true }),
  /** Ping a connection that was idle for this long before it is used. */
  redisBackendHealthCheckInterval: row(orNull(duration), null, { built: false }),
  /** TLS: true, or options. */
  redisBackendUseSsl: row(orNull(tls), null, { old: 'CELERY_REDIS_BACKEND_USE_SSL' }),
  /** Name of the connections in `CLIENT LIST`. */
  redisClientName: row(orNull(text), null),
  /** Database, where the URL is only `redis`. */
  redisDb: row(orNull(database), null, { old: 'CELERY_REDIS_DB' }),
  /** Host, where the URL is only `redis`. */
  redisHost: row(orNull(text), null, { old: 'CELERY_REDIS_HOST' }),
  /** Connections in a pool. One carries everything here. */
  redisMaxConnections: row(orNull(count), null, { old: 'CELERY_REDIS_MAX_CONNECTIONS', built: false }),
  /** Password, where the URL is only `redis`. */
  redisPassword: row(orNull(text), null, { old: 'CELERY_REDIS_PASSWORD', secret: true }),
  /** Port, where the URL is only `redis`. */
  redisPort: row(orNull(count), null, { old: 'CELERY_REDIS_PORT' }),
  /** Try again after a timeout. */
  redisRetryOnTimeout: row(flag, false, { old: 'CELERY_REDIS_RETRY_ON_TIMEOUT', built: false }),
  /** How long connecting may take. */
  redisSocketConnectTimeout: row(orNull(duration), null, { old: 'CELERY_REDIS_SOCKET_CONNECT_TIMEOUT' }),
  /** Keep idle connections open by TCP keepalive. */
  redisSocketKeepalive: row(flag, false, { old: 'CELERY_REDIS_SOCKET_KEEPALIVE' }),
  /** How long an answer may take. */
  redisSocketTimeout: row(duration, 120, { old: 'CELERY_REDIS_SOCKET_TIMEOUT' }),
  /** User, where the URL is only `redis`. */
  redisUsername: row(orNull(text), null, { old: 'CELERY_REDIS_USERNAME' }),
};
