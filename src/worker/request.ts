import type { Outcome } from '../execution/outcome.ts';
import type { RegisteredTask } from '../app/core.ts';
import type { Linked, LinkedSet } from '../kernel/linked-set.ts';
import type { Job } from '../pools/pool.ts';
import type { ReceivedTask } from '../protocol/task-message.ts';
import type { Delivery, Verdict } from '../transports/transport.ts';

/**
 * Where a message stands. scheduled: waits for its eta. limited: waits for a token. ready: waits for the pool. running: in the pool.
 * finishing: has ended, its result is on the way. gone: settled and forgotten.
 */
export type Standing = 'new' | 'scheduled' | 'limited' | 'ready' | 'running' | 'finishing' | 'gone';

/** What a request calls when the pool has news of it. One object for all requests: no closures on the hot path. */
export interface RequestOwner {
  started(request: Request, pid: number, atMs: number): void;
  ended(request: Request, outcome: Outcome): void;
  returned(request: Request): void;
}

export interface RequestParts {
  readonly received: ReceivedTask;
  readonly delivery: Delivery;
  readonly task: RegisteredTask;
  readonly owner: RequestOwner;
  /** Which subscription brought it; a channel counts only its own deliveries. */
  readonly epoch: number;
  readonly limits: Limits;
}

export interface Limits {
  readonly timeLimitMs: number | null;
  readonly softTimeLimitMs: number | null;
}

/** A message in our hands that names a task we know; as the pool sees it, a job. */
export class Request implements Job, Linked<Request> {
  readonly received: ReceivedTask;
  readonly delivery: Delivery;
  readonly task: RegisteredTask;
  readonly epoch: number;
  readonly softTimeLimitMs: number | null;
  readonly timeLimitMs: number | null;
  standing: Standing = 'new';
  /** When its eta is, in milliseconds since the epoch. */
  etaMs: number | undefined;
  timer: Disposable | undefined;
  startedAtMs: number | null = null;
  pid: number | null = null;
  isSettled = false;
  /** `workerDeduplicateSuccessfulTasks` has asked the store about it. */
  isChecked = false;
  /** The worker has given it up (cold shutdown, lost lease): what it still does counts no more. */
  isAbandoned = false;
  /** To be ended by this signal as soon as it has started. */
  killWith: NodeJS.Signals | undefined;
  in: LinkedSet<Request> | undefined;
  before: Request | undefined;
  after: Request | undefined;
  readonly #owner: RequestOwner;

  constructor(parts: RequestParts) {
    const { headers } = parts.received;
    this.received = parts.received;
    this.delivery = parts.delivery;
    this.task = parts.task;
    this.epoch = parts.epoch;
    this.#owner = parts.owner;
    const [hard, soft] = headers.timelimit;
    this.timeLimitMs = limitOf(hard) ?? parts.limits.timeLimitMs;
    this.softTimeLimitMs = limitOf(soft) ?? parts.limits.softTimeLimitMs;
  }

  get id(): string {
    return this.received.headers.id;
  }

  get name(): string {
    return this.received.headers.task;
  }

  /** As logs show it: `proj.add[4f3a…]`, under its `shadow` name if it has one. */
  get label(): string {
    const { id, shadow, task } = this.received.headers;
    return `${shadow ?? task}[${id}]`;
  }

  get acksLate(): boolean {
    return this.task.policy.acksLate;
  }

  /** Tells the broker, once. Resolves when it knows. */
  settle(verdict: Verdict): Promise<void> {
    if (this.isSettled) return DONE;
    this.isSettled = true;
    return this.delivery.settle(verdict);
  }

  onStarted(pid: number, atMs: number): void {
    this.#owner.started(this, pid, atMs);
  }

  onEnded(outcome: Outcome): void {
    this.#owner.ended(this, outcome);
  }

  onReturned(): void {
    this.#owner.returned(this);
  }
}

const DONE: Promise<void> = Promise.resolve();

/** The message's own limit, in seconds; 0 means none was given. */
const limitOf = (seconds: number | null): number | null => (seconds === null || seconds <= 0 ? null : seconds * 1000);
