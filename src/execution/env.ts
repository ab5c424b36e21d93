import type { ResultBackend } from '../backends/backend.ts';
import type { Caller } from '../canvas/caller.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { ErrorNames } from '../protocol/exception.ts';
import type { Encoded, Json, Value, ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { ReceivedTask, TaskBody } from '../protocol/task-message.ts';
import type { TaskHost } from './host.ts';
import type { Outcome, TaskErrorData } from './outcome.ts';
import type { TaskPolicy } from './policy.ts';

/** What finishing a task needs of the rest of the house. App implements it; a unit test passes a literal. */
export interface ExecutionEnv {
  readonly clock: Clock;
  readonly backend: ResultBackend;
  readonly hostname: string;
  /** `resultExtended`: metas carry name, arguments, worker, retries and queue. */
  readonly resultExtended: boolean;
  /** `resultChordJoinTimeout`: how long the results of a complex header may take to be there once its parts are. 3 s where nothing is said. */
  readonly chordJoinTimeoutMs?: number;
  readonly log: Logger;
  findTask(name: string): RunnableTask | undefined;
  /** Names of errors (`registerError`); without it those known to everybody. */
  readonly errorNames?: ErrorNames;
  /** Whether an errback of that name runs in process (`app.errback`); such ones are not sent as tasks but run by `RunnableTask.after`. */
  isErrback?(name: string): boolean;
  /** Calls an errback that runs in process for a task that never ran: a chord's body. What it throws is logged. */
  callErrback?(errback: SignatureData, failed: ReceivedTask, error: TaskErrorData): Promise<void>;
  /** Aborts when the worker gives up: ends the repeats of a save while the store is down. */
  readonly signal?: AbortSignal;
  /** Compiles, routes and starts a follow-up (callback, next link, chord body, retry) with `result` prepended unless it is immutable. Gives the child's result tuple. */
  start(signature: SignatureData, because: ReceivedTask, result?: Encoded): Promise<Json>;
}
/** A task as floors below App see it. */
export interface RunnableTask {
  readonly name: string;
  readonly policy: TaskPolicy;
  /** Names of errors (`registerError`); without it those known to everybody. */
  readonly errorNames?: ErrorNames;
  /** Calls the handler, bound and checked; App makes `self` of the run. May return a promise. `currentRun()` is this run meanwhile, and calls made in it go through `run.host`. */
  run(run: Run, body: TaskBody): unknown;
  /** Hooks or listeners want to hear once the result is stored (onSuccess, afterReturn, taskPostrun, errbacks): then the pool calls `after`. */
  readonly listensAfter: boolean;
  after(run: Run, outcome: Outcome): Promise<void>;
  /** What `retry({ args })` or `retry({ kwargs })` alone makes of the arguments: inherited ones that clash by name are dropped. Without it the other half stays. */
  mergeArguments?(body: TaskBody, given: { readonly args?: readonly Value[]; readonly kwargs?: ValueMap }): Pick<TaskBody, 'args' | 'kwargs'>;
}
/** One run. Everything is made when first asked for: a signal costs 4 µs. */
export interface Run {
  readonly received: ReceivedTask;
  readonly host: TaskHost;
  readonly signal: AbortSignal;
  /** Result tuples of the calls made so far; who makes a call adds to it. */
  readonly children: Json[];
  /** `apply()` or `taskAlwaysEager`: there is no message. */
  readonly isEager: boolean;
  /** The limit that `self.retry({ maxRetries })` gave last (`noteMaxRetries`). */
  maxRetries?: number;
  /** The task's app, which sends signatures that belong to none. The task says it when it begins. */
  caller?: Caller;
  /** What the app keeps for as long as the run lives; nobody else looks into it. A field, since a WeakMap of all runs costs a microsecond a task. */
  kept?: object;
}
