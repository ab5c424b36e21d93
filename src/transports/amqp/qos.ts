import type { FieldTable } from '../../clients/amqp/field-table.ts';

/**
 * How a prefetch limit is counted. `channel`: one limit for all consumers of the channel, which can be changed at any time (RabbitMQ 3.3 to 3.13, classic queues).
 * `consumer`: fixed when a consumer starts (quorum queues; RabbitMQ 4 and later, which refuses the other).
 */
export type Qos = 'channel' | 'consumer';

/** kombu's own test: RabbitMQ before 3.3 or from 4.0 on counts per consumer, and so do quorum queues. */
export function qosOf(server: FieldTable): Qos {
  if (server['product'] !== 'RabbitMQ' || typeof server['version'] !== 'string') return 'channel';
  const [major = 0, minor = 0] = server['version'].split('.').map((part) => Number.parseInt(part, 10));
  return major > 3 || major < 3 || minor < 3 ? 'consumer' : 'channel';
}
