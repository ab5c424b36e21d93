import { openSqlite } from '../../clients/sqlite.ts';
import type { ConnectOptions } from '../transport.ts';
import type { LeaseDriver } from '../virtual/lease-thread.ts';
import { virtualTransport } from '../virtual/transport.ts';
import { PRIORITY_LEVELS } from './columns.ts';
import { SqliteStore } from './store.ts';

const open = async (options: ConnectOptions): Promise<SqliteStore> => new SqliteStore(await openSqlite(options), options);

/** The lease thread opens a whole store: there is no client library in it that would weigh. */
export const lease: LeaseDriver = { module: import.meta.url, open };

/**
 * `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`: a broker in one file, for the processes of one machine; the same file may hold the
 * results. `?durability=power-loss` (or `durability` in `brokerTransportOptions`) brings every commit to the disk before it is answered.
 */
export const transport = virtualTransport({
  name: 'sqlite',
  lease,
  capabilities: {
    exchangeTypes: new Set(['direct', 'topic', 'fanout', 'headers']),
    priorityLevels: PRIORITY_LEVELS,
    messageTtl: true,
    delayedDelivery: 'publish',
    heartbeats: false,
    holdsOutliveConnection: true,
    broadcast: 'fanout',
  },
  open,
});
