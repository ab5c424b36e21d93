import type { ConnectOptions, Transport } from '../transport.ts';
import { openConnection } from './connection.ts';

/** `amqp://user:password@host:5672/vhost`, `amqps://`, `pyamqp://`: RabbitMQ and what else speaks AMQP 0-9-1, by our own client (src/clients/amqp). */
export const transport: Transport = {
  name: 'amqp',
  capabilities: {
    exchangeTypes: new Set(['direct', 'topic', 'fanout', 'headers']),
    priorityLevels: 255,
    messageTtl: true,
    delayedDelivery: 'ladder',
    heartbeats: true,
    holdsOutliveConnection: false,
    broadcast: 'topic',
    fairWithin: 20,
  },
  connect: (options: ConnectOptions) => openConnection(options),
};
