import { type VirtualTransport, virtualTransport } from '../virtual/transport.ts';
import { lease } from './lease-line.ts';
import { RedisStore } from './store.ts';

/** Redis 6.2 or newer, in kombu's layout: shared with Celery for Python. */
export const transport: VirtualTransport = virtualTransport({
  name: 'redis',
  capabilities: {
    exchangeTypes: new Set(['direct', 'topic', 'fanout']),
    priorityLevels: 10,
    messageTtl: false,
    delayedDelivery: 'park',
    heartbeats: false,
    holdsOutliveConnection: true,
    broadcast: 'fanout',
  },
  open: (options) => RedisStore.open(options),
  lease,
});
