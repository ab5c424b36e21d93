import type { Settings } from './config/settings/index.ts';
import type { LogLevel, Logger } from './kernel/logger.ts';
import type { TaskState } from './protocol/states.ts';
import type { TaskRequest } from './app/task-context.ts';
import type { StopMode, Worker } from './worker/worker.ts';

type List = readonly unknown[];

export interface TaskEvent {
  readonly taskId: string;
  readonly task: string;
  readonly request: TaskRequest;
}
/** Every signal and what its listener gets. Celery's names in camelCase. */
export interface SignalTable {
  beforeTaskPublish: {
    readonly task: string;
    readonly exchange: string;
    readonly routingKey: string;
    readonly headers: Record<string, unknown>;
    readonly properties: Record<string, unknown>;
    readonly body: unknown;
  };
  afterTaskPublish: { readonly task: string; readonly exchange: string; readonly routingKey: string; readonly headers: Readonly<Record<string, unknown>> };
  taskReceived: TaskEvent;
  taskPrerun: TaskEvent & { readonly args: List; readonly kwargs: Readonly<Record<string, unknown>> };
  taskPostrun: TaskEvent & { readonly args: List; readonly kwargs: Readonly<Record<string, unknown>>; readonly state: TaskState; readonly result: unknown };
  taskSuccess: TaskEvent & { readonly result: unknown };
  taskRetry: TaskEvent & { readonly reason: Error };
  taskFailure: TaskEvent & { readonly exception: Error; readonly traceback: string };
  taskInternalError: TaskEvent & { readonly exception: Error };
  taskRevoked: TaskEvent & { readonly terminated: boolean; readonly signal: string | null; readonly expired: boolean };
  taskRejected: { readonly message: unknown; readonly exception: Error | null };
  taskUnknown: { readonly name: string; readonly id: string; readonly message: unknown };
  importModules: {};
  celeryInit: { readonly hostname: string; readonly conf: Readonly<Settings> };
  celeryAfterSetup: { readonly hostname: string; readonly worker: Worker };
  workerInit: { readonly worker: Worker };
  workerReady: { readonly worker: Worker };
  workerShuttingDown: { readonly hostname: string; readonly signal: string; readonly how: StopMode };
  workerShutdown: { readonly worker: Worker };
  workerProcessInit: { readonly pid: number };
  workerProcessShutdown: { readonly pid: number; readonly exitCode: number };
  heartbeatSent: { readonly hostname: string };
  beatInit: { readonly beat: AsyncDisposable };
  setupLogging: { readonly loglevel: LogLevel; readonly logfile: string | null };
  afterSetupLogger: { readonly logger: Logger };
  onConfigure: {};
  onAfterConfigure: { readonly settings: Readonly<Settings> };
  onAfterFinalize: {};
}

export type SignalName = keyof SignalTable;
type Listener<S extends SignalName> = (event: SignalTable[S]) => void | Promise<void>;
/** A task, or its name: a listener that gives one hears of that task only. */
export type Sender = string | { readonly name: string };

/** The signals of one app. */
export interface Signals {
  on<S extends SignalName>(signal: S, listener: Listener<S>, options?: { readonly sender?: Sender }): Disposable;
  /** Calls the listeners one after the other. A promise only where one of them gave a promise. Never throws. */
  emit<S extends SignalName>(signal: S, event: SignalTable[S], sender?: Sender): void | Promise<void>;
  /** Whether anybody listens: callers build an event only then. */
  has(signal: SignalName): boolean;
}

/** A listener's error is logged and goes no further; `log` is asked for when needed, since the worker replaces the app's logger. */
export function createSignals(log: () => Logger): Signals {
  const listeners = new Map<SignalName, { readonly listener: (event: never) => void | Promise<void>; readonly sender: string | undefined }[]>();
  const failed = (signal: SignalName, error: unknown): void => log().error(`a listener of the signal ${signal} failed`, { error });
  return {
    on(signal, listener, options) {
      const entry = { listener: listener as (event: never) => void | Promise<void>, sender: nameOf(options?.sender) };
      listeners.set(signal, [...(listeners.get(signal) ?? []), entry]);
      return {
        [Symbol.dispose]: () => {
          const left = (listeners.get(signal) ?? []).filter((other) => other !== entry);
          if (left.length === 0) listeners.delete(signal);
          else listeners.set(signal, left);
        },
      };
    },
    has: (signal) => listeners.has(signal),
    emit(signal, event, sender) {
      const from = nameOf(sender);
      let waiting: Promise<void> | undefined;
      for (const entry of listeners.get(signal) ?? []) {
        if (entry.sender !== undefined && entry.sender !== from) continue;
        const call = (): void | Promise<void> => (entry.listener as (event: unknown) => void | Promise<void>)(event);
        if (waiting !== undefined) waiting = waiting.then(call).catch((error: unknown) => failed(signal, error));
        else {
          try {
            const answer = call();
            if (answer instanceof Promise) waiting = answer.catch((error: unknown) => failed(signal, error));
          } catch (error) {
            failed(signal, error);
          }
        }
      }
      return waiting;
    },
  };
}

const nameOf = (sender: Sender | undefined): string | undefined => (typeof sender === 'object' || typeof sender === 'function' ? sender.name : sender);
