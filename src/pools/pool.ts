import type { Service } from '../kernel/service.ts';
import type { ReceivedTask } from '../protocol/task-message.ts';
import type { Outcome } from '../execution/outcome.ts';
export type PoolName = 'async' | 'gevent' | 'eventlet' | 'prefork' | 'processes' | 'threads' | 'solo' | (string & {});

/** Where tasks run. Says nothing of queues, acks or results. */
export interface Pool extends Service {
  readonly isolation: 'none' | 'thread' | 'process';
  readonly size: number;
  /** How many jobs it would hold at once: `size`, or more of tasks that have proven so short that a child holds several. */
  readonly slots: number;
  /** How many jobs it takes now; more wait in the worker, within its prefetch. `onRoom` fires when it grows. */
  readonly room: number;
  onRoom(listener: () => void): Disposable;
  /** Takes a job, at most `room` of them. Callbacks, not promises: this is the hot path. */
  run(job: Job): void;
  /** Runs what user code wants to hear after the result is stored; in the same child while it lives, else in another. Late acks wait for it. */
  after(job: Job, outcome: Outcome): Promise<void>;
  /** What has not begun comes back through `onReturned`; what has is not disturbed. Absent where nothing waits in the pool. */
  recall?(): void;
  resize(size: number): Promise<void>;
  /** Unstarted: it comes back through `onReturned`. Running: its signal aborts with `reason`. False when it is not here. */
  cancel(taskId: string, reason: Error): boolean;
  /** Ends one running task. False where isolation is 'none': there the run is given up, and what it still does is ignored. */
  kill(taskId: string, signal: NodeJS.Signals): Promise<boolean>;
}
/** Either `onEnded` or `onReturned` is called, once. */
export interface Job {
  readonly received: ReceivedTask;
  readonly softTimeLimitMs: number | null;
  readonly timeLimitMs: number | null;
  /** Its function is about to be called: early ack, STARTED, task-started, the limits' clock. */
  onStarted(pid: number, atMs: number): void;
  /** A dead child is a FAILURE with WorkerLostError, a hard limit one with TimeLimitExceeded. */
  onEnded(outcome: Outcome): void;
  /** It never started (its child died first, the pool stops), or the pool was stopped while it ran and patience ended: run it elsewhere or give it back. */
  onReturned(): void;
}
