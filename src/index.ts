// The front door: what users import. Everything else is a room of its own.
export { Celery } from './app/celery.ts';
export { Task } from './app/task-value.ts';
export { sharedTask } from './app/shared-task.ts';
export { currentTask } from './app/task-self.ts';
export { taskContract } from './app/contract.ts';
export { createClient, type Client } from './app/client.ts';
export { periodic } from './app/periodic.ts';
export { resultFromJSON } from './app/result-from-json.ts';
export type { AppOptions, Extension } from './app/app-options.ts';
export type { Middleware, PublishCall } from './app/middleware.ts';
export type { Route, Router, TaskRoutes } from './app/router.ts';
export type { SchemaResult, StandardSchemaV1 } from './app/schema.ts';
export type { TaskContext, TaskRequest } from './app/task-context.ts';
export type { DeclareOptions, RateLimit, TaskAnnotations, TaskOptions } from './app/task-options.ts';
export type { TaskRegistry } from './app/task-registry-type.ts';
export type { AnyTask, NamedTask, RemoteTask, TaskContract, TaskDefiner } from './app/task-types.ts';

export { chain } from './canvas/chain.ts';
export { chord } from './canvas/chord.ts';
export { group } from './canvas/group.ts';
export { workflowGraph } from './canvas/picture.ts';
export { Signature, signature } from './canvas/by-name.ts';
export type { ApplyOptions, DeliveryMode, EagerOptions, RetryPolicy, RouteOptions, SendOptions } from './canvas/call-options.ts';
export type { Errback } from './canvas/errback.ts';
export type { CannotBeSent, Received, Sendable } from './canvas/sendable.ts';
export type { Group, SignatureData, SignatureInit, StampingVisitor } from './canvas/signature.ts';

export type {
  AsyncResult,
  DependencyGraph,
  EagerResult,
  GetOptions,
  GraphNode,
  GroupResult,
  ResultMeta,
  ResultSet,
  RevokeOptions,
  WaitOptions,
} from './results/result.ts';

export { Broadcast, Exchange, Queue, type ExchangeOptions, type ExchangeType, type QueueOptions } from './messaging/entities.ts';
export type { PeriodicOptions, PeriodicTask, Schedule, ScheduleLike, SchedulerFactory } from './beat/schedule.ts';
export { Worker, type StopMode, type WorkerOptions } from './worker/worker.ts';
export type { PoolName } from './pools/pool.ts';
export type { SignalName, SignalTable as Signals, TaskEvent } from './signals.ts';
export type { CustomSettings, NamespacedSettings, Settings, SettingsInput, SettingsSource } from './config/settings/index.ts';

export * from './errors.ts';
export type { Duration } from './kernel/duration.ts';
export type { Logger, LogLevel } from './kernel/logger.ts';
export { Decimal, Uuid, type Json } from './protocol/json.ts';
export type { TaskState } from './protocol/states.ts';
export type { CompressionName, SerializerName } from './serialization/registry.ts';
export type { CredentialProvider, TlsOptions } from './clients/tls.ts';
