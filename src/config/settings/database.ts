import { row } from './kind.ts';
import { flag, fn, orNull, record, text } from './kinds.ts';

/** Settings of results in Celery's SQL tables. */
export const databaseSettings = {
  /** Make the tables when the store is opened. */
  databaseCreateTablesAtSetup: row(flag, true, { built: false }),
  /** Called with each new connection pool. */
  databaseEngineCallback: row(orNull(fn<(engine: unknown) => void>()), null, { built: false }),
  /** Options of the client. */
  databaseEngineOptions: row(record, { pool_pre_ping: true, pool_recycle: 3600 }, { old: 'CELERY_RESULT_ENGINE_OPTIONS', built: false }),
  /** A new session for each operation (Python). */
  databaseShortLivedSessions: row(flag, false, { old: 'CELERY_RESULT_DB_SHORT_LIVED_SESSIONS', built: false }),
  /** Names of the tables: `{ task, group }`. */
  databaseTableNames: row(orNull(record), null, { old: 'CELERY_RESULT_DB_TABLENAMES', built: false }),
  /** Schemas of the tables: `{ task, group }`. */
  databaseTableSchemas: row(orNull(record), null, { built: false }),
  /** URL, where `resultBackend` does not hold it. */
  databaseUrl: row(orNull(text), null, { old: 'CELERY_RESULT_DBURI', built: false, secret: true }),
};
