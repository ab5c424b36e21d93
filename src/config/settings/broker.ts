import { row } from './kind.ts';
import { count, duration, failover, flag, number, orNull, queueType, record, text, tls, urls } from './kinds.ts';

/** Settings of the connection to the broker. */
export const brokerSettings = {
  /** Try again after errors of a channel too, not of the connection only. */
  brokerChannelErrorRetry: row(flag, false, { built: false }),
  /** How often to try to connect before giving up. 0 or null for ever. */
  brokerConnectionMaxRetries: row(orNull(count), 100, { built: false }),
  /** Connect again after the connection was lost. */
  brokerConnectionRetry: row(flag, true, { built: false }),
  /** The same for the first connection of a worker. Null follows `brokerConnectionRetry`. */
  brokerConnectionRetryOnStartup: row(orNull(flag), null, { built: false }),
  /** How long connecting may take. */
  brokerConnectionTimeout: row(duration, 4),
  /** The order in which several URLs are tried. Null is `round-robin`. */
  brokerFailoverStrategy: row(orNull(failover), null),
  /** Seconds between heartbeats on AMQP. 0 or null for none. */
  brokerHeartbeat: row(orNull(duration), 120),
  /** How often heartbeats are looked for in that time. */
  brokerHeartbeatCheckrate: row(number, 3, { built: false }),
  /** Host, or whole URL, where `brokerUrl` is not given. From the time of Celery 2. */
  brokerHost: row(orNull(text), null),
  /** How to log in on AMQP: `PLAIN`, `EXTERNAL` and so on. */
  brokerLoginMethod: row(orNull(text), null),
  /** Type of the queues that hold delayed messages on RabbitMQ. */
  brokerNativeDelayedDeliveryQueueType: row(queueType, 'quorum'),
  /** Password, where `brokerUrl` is not given. */
  brokerPassword: row(orNull(text), null, { secret: true }),
  /** How long to wait for a connection from the pool. */
  brokerPoolAcquireTimeout: row(orNull(duration), null, { built: false }),
  /** Connections in a pool. An app here has one for publishing and needs no pool. */
  brokerPoolLimit: row(orNull(count), 10, { built: false }),
  /** Port, where `brokerUrl` is not given. */
  brokerPort: row(orNull(count), null),
  /** URL for consuming, where it differs. Environment: `CELERY_BROKER_READ_URL`. */
  brokerReadUrl: row(orNull(urls), null),
  /** Name of the transport, where `brokerUrl` is not given. */
  brokerTransport: row(orNull(text), null),
  /** What a transport takes besides: see its page. */
  brokerTransportOptions: row(record, {}),
  /** Where messages go: a URL, several with `;` between them, or a list. Environment: `CELERY_BROKER_URL`. Null is an SQLite file of the project. */
  brokerUrl: row(orNull(urls), null),
  /** TLS: true, or options. */
  brokerUseSsl: row(tls, false),
  /** User, where `brokerUrl` is not given. */
  brokerUser: row(orNull(text), null),
  /** Virtual host or database number, where `brokerUrl` is not given. */
  brokerVhost: row(orNull(text), null),
  /** URL for publishing, where it differs. Environment: `CELERY_BROKER_WRITE_URL`. */
  brokerWriteUrl: row(orNull(urls), null),
};
