import { row } from './kind.ts';
import {
  annotations,
  compression,
  count,
  deliveryMode,
  duration,
  flag,
  oneOf,
  orNull,
  queues,
  queueType,
  rateLimit,
  retryPolicy,
  routes,
  serializer,
  text,
} from './kinds.ts';

/** Settings of tasks and of the messages that call them. */
export const taskSettings = {
  /** Acknowledge a message after its task has run, not just before. */
  taskAcksLate: row(flag, false, { old: 'CELERY_ACKS_LATE' }),
  /** With late acknowledgement: acknowledge a task that failed. Null follows `taskAcksOnFailureOrTimeout`; false rejects it without putting it back. */
  taskAcksOnFailure: row(orNull(flag), null, { old: 'CELERY_ACKS_ON_FAILURE' }),
  /** Deprecated by Celery 5.7: what `taskAcksOnFailure` and `taskAcksOnTimeout` follow where they are null. */
  taskAcksOnFailureOrTimeout: row(flag, true, { old: 'CELERY_ACKS_ON_FAILURE_OR_TIMEOUT' }),
  /** With late acknowledgement: acknowledge a task that reached its hard time limit. Null follows `taskAcksOnFailureOrTimeout`; false puts it back. */
  taskAcksOnTimeout: row(orNull(flag), null, { old: 'CELERY_ACKS_ON_TIMEOUT' }),
  /** Put the error callbacks of a chord on the tasks of its header too. */
  taskAllowErrorCbOnChordHeader: row(flag, false, { old: 'CELERY_ALLOW_ERROR_CB_ON_CHORD_HEADER' }),
  /** Run every call here and now, without a broker. */
  taskAlwaysEager: row(flag, false, { old: 'CELERY_ALWAYS_EAGER' }),
  /** Options set from outside, by task name (`*` for all). */
  taskAnnotations: row(orNull(annotations), null, { old: 'CELERY_ANNOTATIONS' }),
  /** Compress messages: `gzip`, `zstd` and so on. Null sends them as they are. */
  taskCompression: row(orNull(compression), null, { old: 'CELERY_MESSAGE_COMPRESSION' }),
  /** Type of the exchange made for a queue that was not declared. Null is the default exchange's. */
  taskCreateMissingQueueExchangeType: row(orNull(text), null, { old: 'CELERY_CREATE_MISSING_QUEUE_EXCHANGE_TYPE' }),
  /** Type of a queue that was not declared, on RabbitMQ. */
  taskCreateMissingQueueType: row(queueType, 'classic', { old: 'CELERY_CREATE_MISSING_QUEUE_TYPE' }),
  /** Make a queue that was not declared when it is first named. */
  taskCreateMissingQueues: row(flag, true, { old: 'CELERY_CREATE_MISSING_QUEUES' }),
  /** Whether messages survive a restart of the broker: 2 or `persistent`, 1 or `transient`. */
  taskDefaultDeliveryMode: row(deliveryMode, 2, { old: 'CELERY_DEFAULT_DELIVERY_MODE' }),
  /** Exchange of the default queue. Null is the queue's name. */
  taskDefaultExchange: row(orNull(text), null, { old: 'CELERY_DEFAULT_EXCHANGE' }),
  /** Type of that exchange. */
  taskDefaultExchangeType: row(text, 'direct', { old: 'CELERY_DEFAULT_EXCHANGE_TYPE' }),
  /** Priority of messages that say none. On Redis 0 is the highest, on RabbitMQ the lowest. */
  taskDefaultPriority: row(orNull(count), null, { old: 'CELERY_DEFAULT_PRIORITY' }),
  /** The queue of tasks that no route sends elsewhere. */
  taskDefaultQueue: row(text, 'celery', { old: 'CELERY_DEFAULT_QUEUE' }),
  /** Type of the default queue, on RabbitMQ. */
  taskDefaultQueueType: row(queueType, 'classic', { old: 'CELERY_DEFAULT_QUEUE_TYPE' }),
  /** Rate limit of tasks that have none of their own, for each worker. */
  taskDefaultRateLimit: row(rateLimit, null, { old: 'CELERY_DEFAULT_RATE_LIMIT' }),
  /** Routing key of the default queue. Null is the queue's name. */
  taskDefaultRoutingKey: row(orNull(text), null, { old: 'CELERY_DEFAULT_ROUTING_KEY' }),
  /** Throw the errors of eager tasks at the caller. */
  taskEagerPropagates: row(flag, false, { old: 'CELERY_EAGER_PROPAGATES_EXCEPTIONS' }),
  /** Store no results, unless a task or a call asks for it. */
  taskIgnoreResult: row(flag, false, { old: 'CELERY_IGNORE_RESULT' }),
  /** Calls made inside a task take its priority. */
  taskInheritParentPriority: row(flag, false, { old: 'CELERY_INHERIT_PARENT_PRIORITY' }),
  /** Version of the message protocol that is written. Both are read. */
  taskProtocol: row(oneOf(1, 2), 2, { old: 'CELERY_TASK_PROTOCOL', built: false }),
  /** Try again when a message cannot be sent. */
  taskPublishRetry: row(flag, true, { old: 'CELERY_TASK_PUBLISH_RETRY' }),
  /** How often and how soon: `maxRetries` (null for ever), `intervalStart`, `intervalStep`, `intervalMax`. */
  taskPublishRetryPolicy: row(retryPolicy, { maxRetries: 3, intervalStart: 0, intervalStep: 0.2, intervalMax: 1 }, { old: 'CELERY_TASK_PUBLISH_RETRY_POLICY' }),
  /** Highest priority of every queue that says none (`x-max-priority`, RabbitMQ). */
  taskQueueMaxPriority: row(orNull(count), null, { old: 'CELERY_QUEUE_MAX_PRIORITY' }),
  /** The queues to declare, and which a worker consumes from when told nothing else. Null is the default queue alone. */
  taskQueues: row(orNull(queues), null, { old: 'CELERY_QUEUES' }),
  /** With late acknowledgement: put a message back when the process that ran its task is lost. Null is false. */
  taskRejectOnWorkerLost: row(orNull(flag), null, { old: 'CELERY_REJECT_ON_WORKER_LOST' }),
  /** Python's tblib; tracebacks always travel as text here. */
  taskRemoteTracebacks: row(flag, false, { old: 'CELERY_REMOTE_TRACEBACKS', built: false }),
  /** How deep arguments are shown in logs and monitors. 0 or null for no limit. */
  taskReprMaxlevels: row(orNull(count), 3, { built: false }),
  /** Send a task again, as `retry()` would, when the process that ran it is lost. Wins over `taskRejectOnWorkerLost`. */
  taskRetryOnWorkerLost: row(flag, false),
  /** Which task goes to which queue: names and globs, patterns, functions. */
  taskRoutes: row(orNull(routes), null, { old: 'CELERY_ROUTES' }),
  /** Send the event task-sent for every call. */
  taskSendSentEvent: row(flag, false, { old: 'CELERY_SEND_TASK_SENT_EVENT' }),
  /** How messages are written: `json`, `msgpack`, `yaml`, or one of your own. */
  taskSerializer: row(serializer, 'json', { old: 'CELERY_TASK_SERIALIZER' }),
  /** After this time the task's signal aborts. */
  taskSoftTimeLimit: row(orNull(duration), null, { old: 'CELERYD_TASK_SOFT_TIME_LIMIT' }),
  /** Store the results of eager tasks too. */
  taskStoreEagerResult: row(flag, false, { old: 'CELERY_STORE_EAGER_RESULT' }),
  /** Store failures of tasks whose results are ignored. */
  taskStoreErrorsEvenIfIgnored: row(flag, false, { old: 'CELERY_STORE_ERRORS_EVEN_IF_IGNORED' }),
  /** After this time the process that runs the task is ended, or the run given up. */
  taskTimeLimit: row(orNull(duration), null, { old: 'CELERYD_TASK_TIME_LIMIT' }),
  /** Store the state STARTED. */
  taskTrackStarted: row(flag, false, { old: 'CELERY_TRACK_STARTED' }),
};
