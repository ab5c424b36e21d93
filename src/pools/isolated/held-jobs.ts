import type { AppCore } from '../../app/core.ts';
import type { Outcome } from '../../execution/outcome.ts';
import { EncodeError } from '../../errors.ts';
import { failureOutcome, hardLimitOutcome, revokedOutcome, workerLostOutcome } from '../../execution/outcomes.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Job } from '../pool.ts';
import { TimeLimits } from '../time-limits.ts';
import type { Held, PoolChild } from './child.ts';

/** For the worker to store a result and ask for the hooks; a child that is to leave waits so long. */
const AFTER_MS = 10_000;

/** The jobs that children hold, and what the worker hears of each: that it has begun, and then, once, that it has ended or comes back. */
export class HeldJobs {
  readonly #core: AppCore;
  readonly #limits: TimeLimits;
  /** Nobody waits any more for the hooks of a job that ended there. */
  readonly #onIdle: (child: PoolChild) => void;
  #count = 0;

  constructor(core: AppCore, onIdle: (child: PoolChild) => void) {
    this.#core = core;
    this.#limits = new TimeLimits(core.clock);
    this.#onIdle = onIdle;
  }

  get count(): number {
    return this.#count;
  }

  give(child: PoolChild, job: Job, isAlone: boolean): void {
    this.#count += 1;
    child.give(job, isAlone);
  }

  /** `atMs` is on the wall clock. */
  started(child: PoolChild, held: Held | undefined, atMs: number): void {
    if (held === undefined || held.startedAt !== undefined) return;
    held.startedAt = this.#clock.monotonic();
    this.tell(() => held.job.onStarted(child.channel.pid, atMs));
    held.limits = this.#limits.arm(held.job, {
      soft: (reason) => child.cancel(held, reason),
      hard: (limitMs) => {
        const { task, id } = held.job.received.headers;
        this.#core.log.error(`Hard time limit (${limitMs / 1000}s) exceeded for ${task}[${id}]`);
        this.#end(child, held, hardLimitOutcome(limitMs, this.#age(held)), 'SIGKILL');
      },
    });
  }

  ended(child: PoolChild, held: Held, outcome: Outcome): void {
    if (this.#core.tasks.get(held.job.received.headers.task)?.listensAfter === true) this.#awaitAfter(child, held);
    this.#drop(child, held);
    this.tell(() => held.job.onEnded(outcome));
  }

  returned(child: PoolChild, held: Held): void {
    this.#drop(child, held);
    this.tell(() => held.job.onReturned());
  }

  /** It cannot travel to its child: nobody ran it, and nobody ever could here. */
  refused(child: PoolChild, held: Held, error: unknown): void {
    this.#drop(child, held);
    const reason = new EncodeError(`the message cannot be given to a child of the pool: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
    this.tell(() => held.job.onEnded(failureOutcome(reason)));
  }

  /** Its child is gone: what had begun is lost, the rest comes back. */
  lost(child: PoolChild, how: string): void {
    for (const held of child.held.values()) {
      const isLost = held.startedAt !== undefined && (held.verdict !== undefined || !child.isForsaken);
      if (!isLost) this.returned(child, held);
      else {
        this.#drop(child, held);
        this.tell(() => held.job.onEnded(held.verdict ?? workerLostOutcome(how, this.#age(held))));
      }
    }
  }

  /** Ends its child if it has begun; else it comes back, and its child's other work goes on. */
  terminate(child: PoolChild, held: Held, signal: NodeJS.Signals, reason: Error): void {
    this.lookAt(child);
    if (held.startedAt === undefined) child.cancel(held, reason);
    else this.#end(child, held, revokedOutcome('terminated', { signal, runtimeMs: this.#age(held) }), signal);
  }

  /** A child that runs without a pause reports nothing: which of its jobs has begun is read from what it notes. */
  lookAt(child: PoolChild): void {
    if (child.held.size === 0) return;
    const last = child.channel.lastStarted();
    for (const held of child.held.values()) if (held.seq <= last) this.started(child, held, this.#clock.now());
  }

  /** The worker's callbacks belong to the worker: an error in one must not stop the pool. */
  tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#core.log.critical('Settling a task failed', { error });
    }
  }

  /** No limit fires any more. */
  clear(): void {
    this.#limits.clear();
  }

  get #clock(): Clock {
    return this.#core.clock;
  }

  #awaitAfter(child: PoolChild, { job, seq }: Held): void {
    const patience = this.#limits.later(AFTER_MS, () => {
      child.forget(job);
      this.#onIdle(child);
    });
    child.listening.set(job, { seq, patience });
  }

  /** Ends a child for the sake of one job. What it will be told is settled first: its death may come by other ways. */
  #end(child: PoolChild, held: Held, verdict: Outcome, signal: NodeJS.Signals): void {
    held.verdict ??= verdict;
    child.end(signal, this.#clock);
  }

  #drop(child: PoolChild, held: Held): void {
    held.limits?.[Symbol.dispose]();
    child.held.delete(held.seq);
    this.#count -= 1;
  }

  #age(held: Held): number {
    return held.startedAt === undefined ? 0 : this.#clock.monotonic() - held.startedAt;
  }
}
