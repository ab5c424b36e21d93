import { row } from './kind.ts';
import { count, duration, flag, names, number, orNull, record, text } from './kinds.ts';

/** Settings of the other result stores. They are known, so that a configuration of Celery's can be read; none of these stores is built yet. */
export const storeSettings = {
  /** Host, port, database, collection, credentials, protocol. */
  arangodbBackendSettings: row(orNull(record), null, { old: 'CELERY_ARANGODB_BACKEND_SETTINGS', built: false }),
  /** Prefix of the keys. */
  azureblockblobBasePath: row(text, '', { built: false }),
  /** How long connecting may take. */
  azureblockblobConnectionTimeout: row(duration, 20, { built: false }),
  /** Container of the blobs. */
  azureblockblobContainerName: row(text, 'celery', { built: false }),
  /** How long reading may take. */
  azureblockblobReadTimeout: row(duration, 120, { built: false }),
  /** Base of the pauses between tries. Without effect in newer clients. */
  azureblockblobRetryIncrementBase: row(number, 2, { built: false }),
  /** First pause between tries, in seconds. */
  azureblockblobRetryInitialBackoffSec: row(number, 2, { built: false }),
  /** How often to try. */
  azureblockblobRetryMaxAttempts: row(count, 3, { built: false }),
  /** URL of memcached, where `resultBackend` is only `cache`. */
  cacheBackend: row(orNull(text), null, { old: 'CELERY_CACHE_BACKEND', built: false }),
  /** Options of the memcached client. */
  cacheBackendOptions: row(record, {}, { old: 'CELERY_CACHE_BACKEND_OPTIONS', built: false }),
  /** Arguments for the authentication provider. */
  cassandraAuthKwargs: row(orNull(record), null, { built: false, secret: true }),
  /** Name of the authentication provider. */
  cassandraAuthProvider: row(orNull(text), null, { built: false }),
  /** Named so in Celery's table, which reads `cassandraSecureBundlePath`. */
  cassandraBundlePath: row(orNull(text), null, { built: false }),
  /** How long rows live. */
  cassandraEntryTtl: row(orNull(duration), null, { built: false }),
  /** Keyspace; required. */
  cassandraKeyspace: row(orNull(text), null, { built: false }),
  /** Further options of the cluster. */
  cassandraOptions: row(record, {}, { built: false }),
  /** Port. Null is 9042. */
  cassandraPort: row(orNull(count), null, { built: false }),
  /** Consistency of reads. Null is LOCAL_QUORUM. */
  cassandraReadConsistency: row(orNull(text), null, { built: false }),
  /** Bundle of Astra, instead of servers. */
  cassandraSecureBundlePath: row(orNull(text), null, { built: false }),
  /** Hosts. */
  cassandraServers: row(orNull(names), null, { built: false }),
  /** Table; required. */
  cassandraTable: row(orNull(text), null, { built: false }),
  /** Consistency of writes. Null is LOCAL_QUORUM. */
  cassandraWriteConsistency: row(orNull(text), null, { built: false }),
  /** Collection. */
  cosmosdbsqlCollectionName: row(text, 'celerycol', { built: false }),
  /** Strong, BoundedStaleness, Session, ConsistentPrefix or Eventual. */
  cosmosdbsqlConsistencyLevel: row(text, 'Session', { built: false }),
  /** Database. */
  cosmosdbsqlDatabaseName: row(text, 'celerydb', { built: false }),
  /** How often to try when throttled. */
  cosmosdbsqlMaxRetryAttempts: row(count, 9, { built: false }),
  /** How long to try then. */
  cosmosdbsqlMaxRetryWaitTime: row(duration, 30, { built: false }),
  /** Host, port, bucket, user, password. */
  couchbaseBackendSettings: row(orNull(record), null, { old: 'CELERY_COUCHBASE_BACKEND_SETTINGS', built: false }),
  /** Another endpoint than Amazon's. */
  dynamodbEndpointUrl: row(orNull(text), null, { built: false }),
  /** How often to try. Null is 3. */
  elasticsearchMaxRetries: row(orNull(count), null, { old: 'CELERY_ELASTICSEARCH_MAX_RETRIES', built: false }),
  /** Try again after a timeout. Null is false. */
  elasticsearchRetryOnTimeout: row(orNull(flag), null, { old: 'CELERY_ELASTICSEARCH_RETRY_ON_TIMEOUT', built: false }),
  /** Store a result as text, or as an object. */
  elasticsearchSaveMetaAsText: row(flag, true, { old: 'CELERY_ELASTICSEARCH_SAVE_META_AS_TEXT', built: false }),
  /** How long an answer may take. Null is 10 seconds. */
  elasticsearchTimeout: row(orNull(duration), null, { old: 'CELERY_ELASTICSEARCH_TIMEOUT', built: false }),
  /** Project of the Firestore that counts chords. Null is `gcsProject`. */
  firestoreProject: row(orNull(text), null, { built: false }),
  /** Prefix of the keys. */
  gcsBasePath: row(text, '', { built: false }),
  /** Bucket. */
  gcsBucket: row(orNull(text), null, { built: false }),
  /** Project. */
  gcsProject: row(orNull(text), null, { built: false }),
  /** Connections to the store. */
  gcsThreadpoolMaxsize: row(count, 10, { built: false }),
  /** How long objects live. 0 for ever. */
  gcsTtl: row(duration, 0, { built: false }),
  /** Host, port, user, password, database, collections. */
  mongodbBackendSettings: row(orNull(record), null, { old: 'CELERY_MONGODB_BACKEND_SETTINGS', built: false }),
  /** Access key. */
  s3AccessKeyId: row(orNull(text), null, { built: false, secret: true }),
  /** Prefix of the keys. */
  s3BasePath: row(orNull(text), null, { built: false }),
  /** Bucket; required. */
  s3Bucket: row(orNull(text), null, { built: false }),
  /** Another endpoint than Amazon's. */
  s3EndpointUrl: row(orNull(text), null, { built: false }),
  /** Region. */
  s3Region: row(orNull(text), null, { built: false }),
  /** Secret of the access key. */
  s3SecretAccessKey: row(orNull(text), null, { built: false, secret: true }),
};
