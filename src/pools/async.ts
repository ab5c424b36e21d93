import { NotRegistered, TaskRevokedError } from '../errors.ts';
import { runAfter } from '../execution/hooks.ts';
import type { Outcome } from '../execution/outcome.ts';
import { failureOutcome, hardLimitOutcome, revokedOutcome } from '../execution/outcomes.ts';
import { runTask } from '../execution/run-task.ts';
import { TaskRun } from '../execution/run.ts';
import { deferred, type Deferred } from '../kernel/deferred.ts';
import { Emitter } from '../kernel/emitter.ts';
import { type Linked, LinkedSet } from '../kernel/linked-set.ts';
import type { PoolOptions } from './options.ts';
import type { Job, Pool } from './pool.ts';
import { TimeLimits } from './time-limits.ts';

class Running implements Linked<Running> {
  readonly job: Job;
  readonly run: TaskRun;
  readonly startedAt: number;
  limits: Disposable | undefined;
  in: LinkedSet<Running> | undefined;
  before: Running | undefined;
  after: Running | undefined;

  constructor(job: Job, run: TaskRun, startedAt: number) {
    this.job = job;
    this.run = run;
    this.startedAt = startedAt;
  }
}

/**
 * Many tasks on this process's own loop. Nothing can be ended here by force: a run over its hard limit, or terminated, is given up: its
 * slot is free again, its outcome is decided, and what it still does is ignored.
 */
export class AsyncPool implements Pool {
  readonly name = 'pool';
  readonly isolation = 'none';
  readonly #core: PoolOptions['core'];
  readonly #kind: string;
  readonly #running = new LinkedSet<Running>();
  readonly #runs = new WeakMap<Job, TaskRun>();
  readonly #limits: TimeLimits;
  readonly #room: Emitter<void>;
  #size: number;
  #isStopping = false;
  #empty: Deferred<void> | undefined;

  constructor(options: PoolOptions, kind = 'async') {
    this.#core = options.core;
    this.#kind = kind;
    this.#size = options.concurrency;
    this.#limits = new TimeLimits(options.core.clock);
    this.#room = new Emitter((error) => this.#core.log.error('A listener of the pool failed', { error }));
  }

  get size(): number {
    return this.#size;
  }

  get slots(): number {
    return this.#size;
  }

  get room(): number {
    return this.#isStopping ? 0 : Math.max(0, this.#size - this.#running.size);
  }

  onRoom(listener: () => void): Disposable {
    return this.#room.on(listener);
  }

  start(): Promise<void> {
    this.#isStopping = false;
    return Promise.resolve();
  }

  run(job: Job): void {
    if (this.#isStopping) return job.onReturned();
    const { clock, host, tasks } = this.#core;
    const { received } = job;
    const task = tasks.get(received.headers.task);
    if (task === undefined) return job.onEnded(failureOutcome(new NotRegistered(received.headers.task)));
    const run = new TaskRun(received, host);
    const running = new Running(job, run, clock.monotonic());
    this.#running.add(running);
    if (task.listensAfter) this.#runs.set(job, run);
    job.onStarted(process.pid, clock.now());
    if (job.softTimeLimitMs !== null || job.timeLimitMs !== null) {
      running.limits = this.#limits.arm(job, {
        soft: (reason) => run.abort(reason),
        hard: (limitMs) => this.#giveUp(running, hardLimitOutcome(limitMs, this.#age(running)), `its hard time limit of ${limitMs / 1000}s is over`),
      });
    }
    const outcome = runTask(received, task, host, clock, run);
    if (outcome instanceof Promise) void outcome.then((ended) => this.#ended(running, ended));
    else this.#ended(running, outcome);
  }

  async after(job: Job, outcome: Outcome): Promise<void> {
    const { received } = job;
    const task = this.#core.tasks.get(received.headers.task);
    if (task === undefined) return;
    const run = this.#runs.get(job) ?? new TaskRun(received, this.#core.host);
    this.#runs.delete(job);
    await runAfter(task, run, outcome, this.#core.log);
  }

  resize(size: number): Promise<void> {
    this.#size = size;
    if (this.room > 0) this.#room.emit();
    return Promise.resolve();
  }

  cancel(taskId: string, reason: Error): boolean {
    const running = this.#find(taskId);
    running?.run.abort(reason);
    return running !== undefined;
  }

  kill(taskId: string, signal: NodeJS.Signals): Promise<boolean> {
    const running = this.#find(taskId);
    if (running !== undefined) this.#giveUp(running, revokedOutcome('terminated', { signal, runtimeMs: this.#age(running) }), `it was terminated (${signal})`);
    return Promise.resolve(false);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    if (this.#running.size > 0 && !deadline.aborted) {
      this.#empty = deferred();
      const abandon = (): void => this.#empty?.resolve();
      deadline.addEventListener('abort', abandon, { once: true });
      await this.#empty.promise;
      deadline.removeEventListener('abort', abandon);
      this.#empty = undefined;
    }
    for (const running of this.#running) {
      this.#forget(running);
      running.run.giveUp();
      running.run.abort(new TaskRevokedError('the worker stops'));
      this.#settle(() => running.job.onReturned());
    }
    this.#limits.clear();
  }

  info(): Readonly<Record<string, unknown>> {
    return { implementation: `celeriac:${this.#kind}`, 'max-concurrency': this.#size, running: this.#running.size, processes: [process.pid] };
  }

  #ended(running: Running, outcome: Outcome): void {
    if (this.#forget(running)) this.#settle(() => running.job.onEnded(outcome));
  }

  /** The latest run of that id: a message delivered twice may run twice. */
  #find(taskId: string): Running | undefined {
    return [...this.#running].findLast(({ job }) => job.received.headers.id === taskId);
  }

  #giveUp(running: Running, outcome: Outcome, why: string): void {
    if (!this.#forget(running)) return;
    const { task, id } = running.run.received.headers;
    this.#core.log.error(`Task ${task}[${id}] is given up: ${why}. The ${this.#kind} pool cannot end it; prefork can`);
    running.run.giveUp();
    running.run.abort(new TaskRevokedError(why));
    this.#settle(() => running.job.onEnded(outcome));
  }

  /** Once for each run: whoever comes first, its end or its limit, decides. */
  #forget(running: Running): boolean {
    running.limits?.[Symbol.dispose]();
    return this.#running.delete(running);
  }

  /** The worker's callbacks belong to the worker: an error in one must not look like one of the task, and must free the slot all the same. */
  #settle(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#core.log.critical('Settling a task failed', { error });
    }
    if (this.#running.size === 0) this.#empty?.resolve();
    if (this.room > 0) this.#room.emit();
  }

  #age(running: Running): number {
    return this.#core.clock.monotonic() - running.startedAt;
  }
}
