import { availableParallelism } from 'node:os';
import type { Settings } from '../config/settings/index.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { durationMs } from '../kernel/duration.ts';
import type { Duration } from '../kernel/duration.ts';
import type { LogLevel } from '../kernel/logger.ts';
import type { Service } from '../kernel/service.ts';
import type { PoolName } from '../pools/pool.ts';
import { nodeName } from './node-name.ts';

/** What a worker may be told; settings count for what is left out. */
export interface WorkerOptions {
  /** Node name; `@<host>` is added, `%h`, `%n` and `%d` are filled in. Default `celery@<host>`. */
  readonly hostname?: string | undefined;
  /** How many tasks run at a time (`workerConcurrency`). */
  readonly concurrency?: number | undefined;
  readonly pool?: PoolName | undefined;
  /** Consume from these only; missing ones are made. */
  readonly queues?: readonly string[] | undefined;
  readonly excludeQueues?: readonly string[] | undefined;
  /** Further modules to load before the start. */
  readonly include?: readonly string[] | undefined;
  readonly loglevel?: LogLevel | undefined;
  /** Send events about tasks (`workerSendTaskEvents`). */
  readonly taskEvents?: boolean | undefined;
  readonly beat?: boolean | undefined;
  readonly autoscale?: readonly [max: number, min: number] | undefined;
  readonly prefetchMultiplier?: number | undefined;
  readonly maxTasksPerChild?: number | undefined;
  /** In KiB. */
  readonly maxMemoryPerChild?: number | undefined;
  readonly timeLimit?: Duration | undefined;
  readonly softTimeLimit?: Duration | undefined;
  readonly statedb?: string | undefined;
  /** Empty the queues before the start. */
  readonly purge?: boolean | undefined;
  readonly withoutGossip?: boolean | undefined;
  readonly withoutMingle?: boolean | undefined;
  readonly withoutHeartbeat?: boolean | undefined;
  /** The module that exports this app, which children and threads load: `import.meta.url`. Needed for `prefork` and `threads`; the command line gives its `-A`. */
  readonly appModule?: string | URL | undefined;
  /** The process belongs to this worker: handle SIGTERM, SIGINT and SIGQUIT, and log unhandled rejections and uncaught exceptions of tasks instead of ending. The command line does, a library does not. */
  readonly handleSignals?: boolean | undefined;
  /** Your own parts of the worker (Celery's bootsteps): started in order of `requires`, stopped in reverse. */
  readonly services?: readonly Service[] | undefined;
}

/** The same with settings and defaults: nothing is optional, durations are in ms. */
export interface CompiledOptions {
  readonly hostname: string;
  readonly pool: PoolName;
  readonly concurrency: number;
  readonly appModule: string | undefined;
  readonly maxTasksPerChild: number | null;
  readonly maxMemoryPerChildKb: number | null;
  readonly prefetchMultiplier: number;
  /** False keeps to the free slots. */
  readonly takesAhead: boolean;
  readonly etaLimit: number;
  readonly limitsRates: boolean;
  readonly deduplicates: boolean;
  readonly accept: readonly string[];
  readonly maxBytes: number;
  readonly taskEvents: boolean;
  readonly heartbeats: boolean;
  readonly remoteControl: boolean;
  /** Whether it asks the others at start what is revoked. */
  readonly mingles: boolean;
  readonly hasTimeLimits: boolean;
  readonly timeLimitMs: number | null;
  readonly softTimeLimitMs: number | null;
  readonly softShutdownMs: number;
  readonly softShutdownOnIdle: boolean;
  readonly purge: boolean;
  readonly queues: readonly string[];
  readonly excludeQueues: readonly string[];
  readonly include: readonly string[];
  readonly services: readonly Service[];
}

/** Messages that wait in memory for their eta, where nothing else is said. */
const ETA_LIMIT = 1000;
/** Tasks at a time in the pool `async`, where nothing else is said. */
const ASYNC_CONCURRENCY = 100;

export function compileOptions(options: WorkerOptions, settings: Readonly<Settings>): CompiledOptions {
  const pool = poolName(options.pool ?? settings.workerPool);
  return {
    hostname: nodeName(options.hostname),
    pool,
    concurrency: concurrencyOf(options.concurrency ?? settings.workerConcurrency, pool),
    appModule: options.appModule === undefined ? undefined : String(options.appModule),
    maxTasksPerChild: options.maxTasksPerChild ?? settings.workerMaxTasksPerChild,
    maxMemoryPerChildKb: options.maxMemoryPerChild ?? settings.workerMaxMemoryPerChild,
    prefetchMultiplier: options.prefetchMultiplier ?? settings.workerPrefetchMultiplier,
    takesAhead: !settings.workerDisablePrefetch,
    etaLimit: settings.workerEtaTaskLimit ?? ETA_LIMIT,
    limitsRates: !settings.workerDisableRateLimits,
    deduplicates: settings.workerDeduplicateSuccessfulTasks,
    accept: settings.acceptContent,
    maxBytes: settings.brokerMaxMessageBytes,
    taskEvents: options.taskEvents ?? settings.workerSendTaskEvents,
    heartbeats: options.withoutHeartbeat !== true,
    remoteControl: settings.workerEnableRemoteControl,
    mingles: options.withoutMingle !== true,
    hasTimeLimits: options.timeLimit !== undefined || options.softTimeLimit !== undefined,
    timeLimitMs: limitMs(options.timeLimit, 'timeLimit'),
    softTimeLimitMs: limitMs(options.softTimeLimit, 'softTimeLimit'),
    softShutdownMs: durationMs(settings.workerSoftShutdownTimeout) ?? 0,
    softShutdownOnIdle: settings.workerEnableSoftShutdownOnIdle,
    purge: options.purge ?? false,
    queues: options.queues ?? [],
    excludeQueues: options.excludeQueues ?? [],
    include: options.include ?? [],
    services: options.services ?? [],
  };
}

function poolName(name: PoolName): PoolName {
  if (name === 'gevent' || name === 'eventlet') return 'async';
  return name === 'processes' ? 'prefork' : name;
}

function concurrencyOf(given: number | string | null, pool: PoolName): number {
  if (pool === 'solo') return 1;
  if (given === null) return pool === 'async' ? ASYNC_CONCURRENCY : availableParallelism();
  if (typeof given === 'string') return availableParallelism();
  if (!Number.isInteger(given) || given < 1) throw new ImproperlyConfigured(`concurrency: a whole number from 1 on was expected, but it is ${given}`);
  return given;
}

function limitMs(limit: Duration | undefined, name: string): number | null {
  if (limit === undefined) return null;
  const ms = durationMs(limit);
  if (ms === undefined || ms < 0)
    throw new ImproperlyConfigured(`${name}: seconds or a duration such as '5m' were expected, but it is ${JSON.stringify(limit)}`);
  return ms === 0 ? null : ms;
}
