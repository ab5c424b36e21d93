import type { BrokerLink } from '../../messaging/link.ts';
import type { WorkerContext } from '../context.ts';

/**
 * The road for what a worker says itself: events, answers to remote commands. A broker that stops taking messages (RabbitMQ's memory alarm) hears nothing at all
 * any more from a connection that has published, not even an ack: there they go with what tasks publish, and not over the connection that consumes.
 */
export async function roadForWords({ core, link }: WorkerContext): Promise<BrokerLink> {
  const connection = await link.connection();
  return connection.onBlocked === undefined ? link : core.publishLink();
}
