import { row, type Kind } from './kind.ts';
import { count, duration, either, flag, logLevel, oneOf, orNull, pool, text, umask } from './kinds.ts';

const slots: Kind<number | 'auto'> = either(count, oneOf('auto'), "a whole number, or 'auto'");

/** Settings of the worker. */
export const workerSettings = {
  /** Python class of an agent beside the worker. */
  workerAgent: row(orNull(text), null, { old: 'CELERYD_AGENT', built: false }),
  /** Python class of the autoscaler. */
  workerAutoscaler: row(text, 'celery.worker.autoscale:Autoscaler', { old: 'CELERYD_AUTOSCALER', built: false }),
  /** When the broker is lost, end tasks that are not acknowledged yet: they come again. */
  workerCancelLongRunningTasksOnConnectionLoss: row(flag, false, { old: 'CELERYD_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS', built: false }),
  /** How many tasks run at a time. Null is 100 in the pool `async`, 1 in `solo`, else one a processor; `auto` keeps to the quota of the container. */
  workerConcurrency: row(orNull(slots), null, { old: 'CELERYD_CONCURRENCY' }),
  /** Python class of the consumer. */
  workerConsumer: row(text, 'celery.worker.consumer:Consumer', { old: 'CELERYD_CONSUMER', built: false }),
  /** Do not run a message again whose task has already succeeded. */
  workerDeduplicateSuccessfulTasks: row(flag, false, { old: 'CELERYD_DEDUPLICATE_SUCCESSFUL_TASKS' }),
  /** Notice quorum queues, and count the prefetch for each consumer then. */
  workerDetectQuorumQueues: row(flag, true, { old: 'CELERYD_DETECT_QUORUM_QUEUES' }),
  /** Consume also from a queue that is this worker's alone. */
  workerDirect: row(flag, false, { old: 'CELERY_WORKER_DIRECT', built: false }),
  /** Take a message only when something can run it. */
  workerDisablePrefetch: row(flag, false, { old: 'CELERYD_DISABLE_PREFETCH' }),
  /** Take no notice of rate limits. */
  workerDisableRateLimits: row(flag, false, { old: 'CELERY_DISABLE_RATE_LIMITS' }),
  /** After a lost connection, prefetch less until the tasks still running have ended. */
  workerEnablePrefetchCountReduction: row(flag, true, { old: 'CELERYD_ENABLE_PREFETCH_COUNT_REDUCTION', built: false }),
  /** Listen to remote control: ping, revoke, shutdown. */
  workerEnableRemoteControl: row(flag, true, { old: 'CELERY_ENABLE_REMOTE_CONTROL' }),
  /** At a stop, wait `workerSoftShutdownTimeout` even when nothing runs. */
  workerEnableSoftShutdownOnIdle: row(flag, false, { old: 'CELERYD_ENABLE_SOFT_SHUTDOWN_ON_IDLE' }),
  /** How many messages that are due later are held in memory. Null is 1000; more are given back until they are due. */
  workerEtaTaskLimit: row(orNull(count), null, { old: 'CELERYD_ETA_TASK_LIMIT' }),
  /** Program that daemons are started with (Python). */
  workerExecutable: row(orNull(text), null, { built: false }),
  /** Group to run as. */
  workerGid: row(orNull(text), null, { built: false }),
  /** Take over Python's root logger. */
  workerHijackRootLogger: row(flag, true, { old: 'CELERYD_HIJACK_ROOT_LOGGER', built: false }),
  /** Colours in the log. Null where it is a terminal. */
  workerLogColor: row(orNull(flag), null, { old: 'CELERYD_LOG_COLOR' }),
  /** Date format of log lines, in strftime's letters. */
  workerLogDatefmt: row(orNull(text), null, { built: false }),
  /** Form of log lines, in Python's `%(name)s`. `--logformat=json` gives one JSON object a line. */
  workerLogFormat: row(text, '[%(asctime)s: %(levelname)s/%(processName)s] %(message)s', { old: 'CELERYD_LOG_FORMAT', built: false }),
  /** File to log to; `-f` on the command line. */
  workerLogfile: row(orNull(text), null),
  /** How long to wait for the result of a process that died. */
  workerLostWait: row(duration, 10, { old: 'CELERYD_WORKER_LOST_WAIT', built: false }),
  /** Replace a child that has grown beyond this many KiB. */
  workerMaxMemoryPerChild: row(orNull(count), null, { old: 'CELERYD_MAX_MEMORY_PER_CHILD' }),
  /** Replace a child after this many tasks. */
  workerMaxTasksPerChild: row(orNull(count), null, { old: 'CELERYD_MAX_TASKS_PER_CHILD' }),
  /** File that holds the worker's process id. */
  workerPidfile: row(orNull(text), null, { built: false }),
  /** Where tasks run: `async`, `prefork`, `threads` or `solo`. Celery's default is `prefork`. */
  workerPool: row(pool, 'async', { old: 'CELERYD_POOL' }),
  /** Block while the pool is busy (Python). */
  workerPoolPutlocks: row(flag, true, { old: 'CELERYD_POOL_PUTLOCKS', built: false }),
  /** Allow the remote command pool_restart. */
  workerPoolRestarts: row(flag, false, { old: 'CELERYD_POOL_RESTARTS', built: false }),
  /** How Python starts children. They are always fresh processes here, so both are accepted. */
  workerPoolStartMethod: row(oneOf('fork', 'spawn'), 'fork', { built: false }),
  /** Messages taken ahead for each task that can run. 0 for no limit. */
  workerPrefetchMultiplier: row(count, 4, { old: 'CELERYD_PREFETCH_MULTIPLIER' }),
  /** How long a child may take to start. */
  workerProcAliveTimeout: row(duration, 4, { old: 'CELERYD_PROC_ALIVE_TIMEOUT', built: false }),
  /** What a task prints becomes lines of the log. Not yet in the children of `prefork` and `threads`. */
  workerRedirectStdouts: row(flag, true, { old: 'CELERY_REDIRECT_STDOUTS' }),
  /** Their level. */
  workerRedirectStdoutsLevel: row(logLevel, 'WARNING', { old: 'CELERY_REDIRECT_STDOUTS_LEVEL' }),
  /** Send events about tasks; `-E` on the command line. */
  workerSendTaskEvents: row(flag, false, { old: 'CELERY_SEND_EVENTS' }),
  /** At a stop, give running tasks this long before they are ended. */
  workerSoftShutdownTimeout: row(duration, 0, { old: 'CELERYD_SOFT_SHUTDOWN_TIMEOUT' }),
  /** File in which revoked ids survive a restart; `--statedb` on the command line. */
  workerStateDb: row(orNull(text), null, { old: 'CELERYD_STATE_DB', built: false }),
  /** Date format of the log lines of tasks. */
  workerTaskLogDatefmt: row(orNull(text), null, { built: false }),
  /** Form of the log lines of tasks. */
  workerTaskLogFormat: row(text, '[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s', {
    old: 'CELERYD_TASK_LOG_FORMAT',
    built: false,
  }),
  /** Python class of the timer. */
  workerTimer: row(orNull(text), null, { old: 'CELERYD_TIMER', built: false }),
  /** Longest sleep of Python's timer. */
  workerTimerPrecision: row(duration, 1, { old: 'CELERYD_TIMER_PRECISION', built: false }),
  /** User to run as. */
  workerUid: row(orNull(text), null, { built: false }),
  /** Mask of the files that a daemon makes. */
  workerUmask: row(orNull(umask), null, { built: false }),
};
