import { openSqlite } from '../../clients/sqlite.ts';
import type { BackendDriver } from '../backend.ts';
import { SqliteBackend } from './backend.ts';

/** How long opening waits for a file that others have locked. */
const OPEN_TIMEOUT_MS = 10_000;

/** `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`: results in one file, for the processes of one machine; it may be the broker's. */
export const driver: BackendDriver = {
  name: 'sqlite',
  open: async (options) => new SqliteBackend(await openSqlite({ ...options, timeoutMs: OPEN_TIMEOUT_MS }), options),
};
