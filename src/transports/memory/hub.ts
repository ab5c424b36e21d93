import type { WireMessage } from '../../protocol/wire-message.ts';
import type { Binding, QueueSpec } from '../transport.ts';
import type { Route } from '../virtual/queue-store.ts';
import { MemoryQueue, type StoredMessage } from './memory-queue.ts';

/** A broker in this process: what the stores of one name share. */
export interface MemoryHub {
  readonly queues: Map<string, MemoryQueue>;
  readonly specs: Map<string, QueueSpec>;
  readonly bindings: Map<string, Binding[]>;
  /** What each owner holds, by reservation id. */
  readonly held: Map<string, Map<string, Hold>>;
  /** When the lease of each owner lapses, or that a peer has declared it lost. */
  readonly leases: Map<string, number | 'lost'>;
  readonly waiters: Set<() => void>;
  readonly subscriptions: Set<{ readonly matches: (topic: string) => boolean; readonly onMessage: (message: WireMessage, route: Route) => void }>;
  /** What nobody may run: the newest, by queue. */
  readonly dead: Map<string, WireMessage[]>;
  nextOrder: number;
  nextId: number;
}

export interface Hold {
  readonly queue: string;
  readonly stored: StoredMessage;
}

// One table for the process: the name in the URL is all that producer and worker have in common.
const hubs = new Map<string, MemoryHub>();

/** The broker of this name; made when first asked for, kept as long as the process. */
export function memoryHub(name: string): MemoryHub {
  const known = hubs.get(name);
  if (known !== undefined) return known;
  const hub: MemoryHub = {
    queues: new Map(),
    specs: new Map(),
    bindings: new Map(),
    held: new Map(),
    leases: new Map(),
    waiters: new Set(),
    subscriptions: new Set(),
    dead: new Map(),
    nextOrder: 0,
    nextId: 0,
  };
  hubs.set(name, hub);
  return hub;
}

/** Forgets a broker and all its messages; for tests that want a new one under an old name. */
export const forgetMemoryHub = (name: string): boolean => hubs.delete(name);

export function queueOf(hub: MemoryHub, name: string): MemoryQueue {
  const known = hub.queues.get(name);
  if (known !== undefined) return known;
  const queue = new MemoryQueue();
  hub.queues.set(name, queue);
  return queue;
}

/** Lets every waiting take look again. */
export function wake(hub: MemoryHub): void {
  for (const waiter of hub.waiters) waiter();
}
