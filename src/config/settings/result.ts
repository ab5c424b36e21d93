import { row } from './kind.ts';
import { compression, duration, flag, names, number, orNull, record, serializer, text, textRecord } from './kinds.ts';

/** Settings of results, whatever store they are in. */
export const resultSettings = {
  /** Serializers and content types that are read in results. Null is `acceptContent`. */
  resultAcceptContent: row(orNull(names), null),
  /** Where results go: a URL, or `disabled`. Environment: `CELERY_RESULT_BACKEND`. Null stores none, or beside the messages where no broker is given either. */
  resultBackend: row(orNull(text), null, { old: 'CELERY_RESULT_BACKEND' }),
  /** Keep trying when the store fails for a while. */
  resultBackendAlwaysRetry: row(flag, false, { old: 'CELERY_RESULT_BACKEND_ALWAYS_RETRY' }),
  /** First pause between such tries, in milliseconds. */
  resultBackendBaseSleepBetweenRetriesMs: row(number, 10, { old: 'CELERY_RESULT_BACKEND_BASE_SLEEP_BETWEEN_RETRIES_MS' }),
  /** How often to try. Null for ever. */
  resultBackendMaxRetries: row(orNull(number), null, { old: 'CELERY_RESULT_BACKEND_MAX_RETRIES' }),
  /** Longest pause between tries, in milliseconds. */
  resultBackendMaxSleepBetweenRetriesMs: row(number, 10_000, { old: 'CELERY_RESULT_BACKEND_MAX_SLEEP_BETWEEN_RETRIES_MS' }),
  /** Share one instance of the store between threads (Python). */
  resultBackendThreadSafe: row(flag, false, { built: false }),
  /** What a store takes besides: see its page. */
  resultBackendTransportOptions: row(record, {}, { old: 'CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS' }),
  /** Results that a client keeps in memory. -1 for none, 0 or null without limit. */
  resultCacheMax: row(orNull(number), -1, { old: 'CELERY_MAX_CACHED_RESULTS' }),
  /** How long what is written down about a chord lives. Null is `resultExpires`, 0 for ever. */
  resultChordExpires: row(orNull(duration), null),
  /** How long the end of a chord waits for the results of its header. */
  resultChordJoinTimeout: row(duration, 3, { old: 'CELERY_RESULT_CHORD_JOIN_TIMEOUT' }),
  /** Pause between looks at a chord, for stores that must be asked. */
  resultChordRetryInterval: row(duration, 1, { old: 'CELERY_RESULT_CHORD_RETRY_INTERVAL' }),
  /** Compress results: `gzip`, `zstd` and so on. */
  resultCompression: row(orNull(compression), null, { old: 'CELERY_RESULT_COMPRESSION' }),
  /** Exchange of results sent as messages, long ago. */
  resultExchange: row(text, 'celeryresults', { old: 'CELERY_RESULT_EXCHANGE', built: false }),
  /** Its type. */
  resultExchangeType: row(text, 'direct', { old: 'CELERY_RESULT_EXCHANGE_TYPE', built: false }),
  /** How long results live. Null or 0 for ever. */
  resultExpires: row(orNull(duration), '1d', { old: 'CELERY_TASK_RESULT_EXPIRES' }),
  /** Store name, arguments, worker, retries and queue with the result. */
  resultExtended: row(flag, false, { old: 'CELERY_RESULT_EXTENDED' }),
  /** How long failures live. Null is `resultExpires`, 0 for ever. */
  resultFailureExpires: row(orNull(duration), null),
  /** Results sent as messages (`rpc://`) survive a restart of the broker. */
  resultPersistent: row(orNull(flag), null, { old: 'CELERY_RESULT_PERSISTENT' }),
  /** How results are written. */
  resultSerializer: row(serializer, 'json', { old: 'CELERY_RESULT_SERIALIZER' }),
  /** Python classes of result stores by alias; `app.extend` does this here. */
  overrideBackends: row(textRecord, {}, { built: false }),
};
