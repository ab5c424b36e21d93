import type { ResultBackend } from '../backends/backend.ts';
import type { Settings } from '../config/settings/index.ts';
import type { ExecutionEnv, RunnableTask } from '../execution/env.ts';
import type { TaskHost } from '../execution/host.ts';
import type { Clock } from '../kernel/clock.ts';
import type { LamportClock } from '../kernel/lamport-clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { BrokerLink } from '../messaging/link.ts';
import type { Declaration, OutgoingMessage } from '../messaging/outgoing.ts';
import type { SerializerRegistry } from '../serialization/registry.ts';
import type { ErrorNames } from '../protocol/exception.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ReceivedTask, TaskBody } from '../protocol/task-message.ts';
import type { Signals } from '../signals.ts';
import type { Celery } from './celery.ts';
import type { TaskRequest } from './task-context.ts';
import type { ResultSource } from '../results/source.ts';
import type { TaskOptions } from './task-options.ts';

/**
 * What the rooms above `app` (pools, worker, control, cli, testing) may know of a Celery app. `coreOf(app)` gives it.
 * Users never see it; they hold the `Celery` object.
 */
export interface AppCore {
  readonly main: string;
  /** What users hold: for events and hooks that speak of the app. */
  readonly celery: Celery;
  /** Resolves when configuration modules and `include` given by path have been loaded; whoever runs an app awaits it first. */
  ready(): Promise<void>;
  readonly errorNames: ErrorNames;
  /** A task's request as signals tell it, of a message that is not running. */
  requestOf(received: ReceivedTask, body: TaskBody): TaskRequest;
  /** Events of running tasks go there; nowhere until somebody listens. (`task-sent` goes with the messages themselves.) */
  setEventSink(sink: ((type: string, fields: JsonObject) => void) | undefined): void;
  /** A pool whose slots are few (solo) says true: then a task that waits for another's result gets an error instead of a deadlock. `setHost` says it too. */
  setJoinBlocks(joinBlocks: boolean): void;
  /** Node name of the worker in this process, for `self.request.hostname`. `env` sets it. */
  readonly hostname: string | null;
  readonly clock: Clock;
  readonly lamport: LamportClock;
  readonly settings: Readonly<Settings>;
  /** The app's logger. The worker replaces it by its own (level, format, file) through `setLog`. */
  readonly log: Logger;
  setLog(log: Logger): void;
  readonly signals: Signals;
  readonly serializers: SerializerRegistry;
  readonly tasks: TaskTable;
  readonly queues: QueueTable;
  /** Broker URLs after defaults and environment, in order of failover. */
  readonly brokerUrls: readonly URL[];
  readonly backendUrl: URL | undefined;
  /** One id for the life of the process: whose holds these are (decisions.md 19). */
  readonly owner: string;
  /** A road of one's own to the broker (`role` names its connections: `worker`, `publish`). The caller closes it. Retries for ever unless `maxRetries` says otherwise. */
  openLink(role: string, options?: { readonly maxRetries?: number | null }): Promise<BrokerLink>;
  /** The app's own road to the broker, which its producer uses; it does not wait for a broker that is away. */
  publishLink(): Promise<BrokerLink>;
  /** The app's own result store, opened when first asked for. */
  backend(): Promise<ResultBackend>;
  /** What handles on results need. */
  readonly results: ResultSource;
  /** How calls leave: directly, or in a child through its parent. A pool's child sets it before it runs anything. */
  readonly host: TaskHost;
  setHost(host: TaskHost): void;
  /** Publishes through the app's own link, after declaring, with each message's retry policy. */
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
  /** What finishing tasks needs; `hostname` is the worker's. */
  env(hostname: string): Promise<ExecutionEnv>;
  /** Keeps the process alive until disposed of: connections of producers and of remote control do not. */
  hold(): Disposable;
  /** Lets go of every connection. */
  close(): Promise<void>;
}

/** The registered tasks, as the worker sees them. */
export interface TaskTable {
  get(name: string): RegisteredTask | undefined;
  names(): readonly string[];
}

export interface RegisteredTask extends RunnableTask {
  readonly options: Readonly<TaskOptions>;
}

/** The queues of `taskQueues`, the default queue, and those made when first named. */
export interface QueueTable {
  readonly defaultName: string;
  /** Whether any of them is a quorum queue (RabbitMQ). */
  readonly hasQuorum: boolean;
  /** Those a worker consumes from when told nothing else. */
  readonly consumeFrom: readonly string[];
  /** What to declare for a queue; throws QueueNotFound. Adds it when missing queues are created. */
  declaration(name: string): Declaration;
  select(names: readonly string[]): void;
  deselect(names: readonly string[]): void;
}

const cores = new WeakMap<Celery, AppCore>();

/** The inside of an app. */
export function coreOf(app: Celery): AppCore {
  const core = cores.get(app);
  if (core === undefined) throw new TypeError('a Celery app was expected');
  return core;
}

/** Called once, by the app's constructor. */
export function setCore(app: Celery, core: AppCore): void {
  cores.set(app, core);
}
