import { PRIORITY_LEVELS } from './memory-queue.ts';
import { virtualTransport } from '../virtual/transport.ts';
import { MemoryStore } from './store.ts';

/** `memory://` or `memory://name`: a broker in this process, gone with it. For tests, and for programs that are one process. */
export const transport = virtualTransport({
  name: 'memory',
  capabilities: {
    exchangeTypes: new Set(['direct', 'topic', 'fanout', 'headers']),
    priorityLevels: PRIORITY_LEVELS,
    messageTtl: true,
    delayedDelivery: 'publish',
    heartbeats: false,
    holdsOutliveConnection: true,
    broadcast: 'fanout',
  },
  open: (options) => Promise.resolve(new MemoryStore(options)),
});
