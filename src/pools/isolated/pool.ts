import { ImproperlyConfigured, TaskRevokedError } from '../../errors.ts';
import type { Outcome } from '../../execution/outcome.ts';
import { hardLimitOutcome, revokedOutcome, workerLostOutcome } from '../../execution/outcomes.ts';
import { deferred, type Deferred } from '../../kernel/deferred.ts';
import { Emitter } from '../../kernel/emitter.ts';
import type { FromChild } from '../ipc.ts';
import type { PoolOptions } from '../options.ts';
import type { Job, Pool } from '../pool.ts';
import { Recycling } from '../recycling.ts';
import { TimeLimits } from '../time-limits.ts';
import { WINDOW, Windows } from '../windows.ts';
import type { Spawn } from './channel.ts';
import type { Held, PoolChild } from './child.ts';
import { Children } from './children.ts';
import { Lookout } from './lookout.ts';
import { carryOut } from './host-calls.ts';

/** For the worker to store a result and ask for the hooks; a child that is to leave waits so long. */
const AFTER_MS = 10_000;
/**
 * Tasks in children that can be ended: processes or threads. A child runs one job at a time; of tasks that have proven short it holds a
 * window, so that the channel's price is shared. Whatever a child dies of, what it ran is lost, what it held is handed back, and another takes its place.
 */
export class IsolatedPool implements Pool {
  readonly name = 'pool';
  readonly isolation: 'thread' | 'process';
  readonly #options: PoolOptions;
  readonly #children: Children;
  readonly #backlog: Job[] = [];
  readonly #windows = new Windows();
  readonly #recycling: Recycling;
  readonly #limits: TimeLimits;
  readonly #lookout: Lookout;
  readonly #room: Emitter<void>;
  #held = 0;
  #lastWasShort = false;
  #isPlacing = false;
  #isStopping = true;
  #idle: Deferred<void> | undefined;

  constructor(isolation: 'thread' | 'process', options: PoolOptions, spawn: Spawn) {
    this.isolation = isolation;
    this.#options = options;
    this.#children = new Children({
      size: options.concurrency,
      clock: options.core.clock,
      spawn: (child) =>
        spawn({
          onBatch: (batch) => {
            for (const message of batch) this.#hear(child, message);
            this.#place();
          },
          onGone: (how) => this.#gone(child, how),
        }),
    });
    this.#recycling = new Recycling(options);
    this.#limits = new TimeLimits(options.core.clock);
    this.#lookout = new Lookout(options.core.clock, () => {
      for (const child of this.#children.all) this.#lookAt(child);
      return this.#held > 0;
    });
    this.#room = new Emitter((error) => this.#log.error('A listener of the pool failed', { error }));
  }

  get #log() {
    return this.#options.core.log;
  }

  get size(): number {
    return this.#children.size;
  }

  get room(): number {
    if (this.#isStopping) return 0;
    return Math.max(0, this.size * (this.#lastWasShort ? WINDOW : 1) - this.#held - this.#backlog.length);
  }

  onRoom(listener: () => void): Disposable {
    return this.#room.on(listener);
  }

  /** Resolves when every child has loaded the app; fails with what a child says when it cannot. */
  async start(): Promise<void> {
    this.#isStopping = false;
    this.#children.open();
    try {
      await Promise.all(this.#children.all.map((child) => child.ready.promise));
    } catch (error) {
      await this.stop(AbortSignal.abort());
      throw new ImproperlyConfigured(`a child of the ${this.isolation} pool could not load the app: ${(error as Error).message}`, { cause: error });
    }
  }

  run(job: Job): void {
    if (this.#isStopping) return job.onReturned();
    this.#backlog.push(job);
    this.#place();
  }

  async after(job: Job, outcome: Outcome): Promise<void> {
    for (let child = this.#children.heardOf(job); child !== undefined; child = this.#children.heardOf(job)) {
      const isDone = await child.after(job, outcome);
      this.#release(child);
      if (isDone) return;
    }
    this.#log.warn(`No child is left to run the hooks of task ${job.received.headers.task}[${job.received.headers.id}]`);
  }

  async resize(size: number): Promise<void> {
    await this.#children.resize(size);
    if (this.room > 0) this.#room.emit();
  }

  cancel(taskId: string, reason: Error): boolean {
    const waiting = this.#backlog.findIndex((job) => job.received.headers.id === taskId);
    if (waiting >= 0) {
      const [job] = this.#backlog.splice(waiting, 1);
      this.#tell(() => job!.onReturned());
      return true;
    }
    const found = this.#children.find(taskId);
    found?.child.cancel(found.held, reason);
    return found !== undefined;
  }

  kill(taskId: string, signal: NodeJS.Signals): Promise<boolean> {
    const found = this.#children.find(taskId);
    if (found === undefined) return Promise.resolve(this.cancel(taskId, new TaskRevokedError('terminated')));
    this.#lookAt(found.child);
    const { child, held } = found;
    // What has not begun needs no killing; its child's other work goes on.
    if (held.startedAt === undefined) child.cancel(held, new TaskRevokedError('terminated'));
    else this.#end(child, held, revokedOutcome('terminated', { signal, runtimeMs: this.#age(held) }), signal);
    return Promise.resolve(true);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    this.#children.close();
    for (const job of this.#backlog.splice(0)) this.#tell(() => job.onReturned());
    for (const child of this.#children.all) child.recall();
    if (!this.#children.isQuiet && !deadline.aborted) {
      const idle = (this.#idle = deferred());
      const abandon = (): void => idle.resolve();
      deadline.addEventListener('abort', abandon, { once: true });
      await idle.promise;
      deadline.removeEventListener('abort', abandon);
    }
    await this.#children.farewell(deadline);
    this.#limits.clear();
    this.#lookout.stop();
  }

  info(): Readonly<Record<string, unknown>> {
    return {
      implementation: `celeriac:${this.isolation === 'process' ? 'prefork' : 'threads'}`,
      'max-concurrency': this.size,
      processes: this.#children.all.map((child) => child.channel.pid),
      'max-tasks-per-child': this.#options.maxTasksPerChild ?? 'N/A',
      running: this.#held,
    };
  }

  /** In the order they came: a job that needs a child to itself waits for the first one that empties, and what came after waits with it. */
  #place(): void {
    if (this.#isPlacing) return;
    this.#isPlacing = true;
    while (this.#backlog.length > 0) {
      const job = this.#backlog[0]!;
      const isShort = this.#windows.isShort(job.received.headers.task);
      const child = this.#children.bestFor(isShort);
      if (child === undefined) break;
      this.#backlog.shift();
      this.#held += 1;
      child.give(job, !isShort);
      if (this.#recycling.left(child.given) === 0) this.#children.retire(child);
    }
    this.#isPlacing = false;
    if (this.#held > 0) this.#lookout.start();
  }

  #hear(child: PoolChild, message: FromChild): void {
    switch (message.kind) {
      case 'ready':
        return this.#children.loaded(child);
      case 'broken':
        return child.ready.reject(new Error(message.error));
      case 'started':
        return this.#started(child, child.held.get(message.seq), message.atMs);
      case 'ended':
        return this.#ended(child, child.held.get(message.seq), message);
      case 'returned':
        return this.#returned(child, child.held.get(message.seq));
      case 'call':
        return carryOut(this.#options.core.host, message, (error) => child.answer(message.call, error));
      case 'emit':
        return this.#options.core.host.emit(message.type, message.fields);
      case 'after':
        return child.afterDone(message.call);
      case 'memory':
        if (this.#recycling.isTooLarge(message.kb) && !child.isRetiring) {
          this.#log.info(`Child ${child.channel.pid} has grown to ${Math.round(message.kb)} kB and is replaced`);
          this.#children.retire(child);
        }
        return;
      case 'log':
        return this.#log[message.level === 'warning' ? 'warn' : message.level](message.message, { ...message.data });
    }
  }

  #started(child: PoolChild, held: Held | undefined, atMs: number): void {
    if (held === undefined || held.startedAt !== undefined) return;
    held.startedAt = this.#options.core.clock.monotonic();
    this.#tell(() => held.job.onStarted(child.channel.pid, atMs));
    held.limits = this.#limits.arm(held.job, {
      soft: (reason) => child.cancel(held, reason),
      hard: (limitMs) => {
        const { task, id } = held.job.received.headers;
        this.#log.error(`Hard time limit (${limitMs / 1000}s) exceeded for ${task}[${id}]`);
        this.#end(child, held, hardLimitOutcome(limitMs, this.#age(held)), 'SIGKILL');
      },
    });
  }

  #ended(child: PoolChild, held: Held | undefined, { outcome, atMs }: { readonly outcome: Outcome; readonly atMs: number }): void {
    if (held === undefined) return;
    this.#started(child, held, atMs);
    const { received } = held.job;
    this.#windows.note(received.headers.task, outcome.runtimeMs);
    this.#lastWasShort = this.#windows.isShort(received.headers.task);
    if (this.#options.core.tasks.get(received.headers.task)?.listensAfter === true) this.#awaitAfter(child, held);
    this.#drop(child, held);
    this.#tell(() => held.job.onEnded(outcome));
    this.#release(child);
  }

  #awaitAfter(child: PoolChild, { job, seq }: Held): void {
    const patience = this.#limits.later(AFTER_MS, () => {
      child.forget(job);
      this.#release(child);
    });
    child.listening.set(job, { seq, patience });
  }

  #returned(child: PoolChild, held: Held | undefined): void {
    if (held === undefined) return;
    this.#drop(child, held);
    this.#tell(() => held.job.onReturned());
    this.#release(child);
  }

  #drop(child: PoolChild, held: Held): void {
    held.limits?.[Symbol.dispose]();
    child.held.delete(held.seq);
    this.#held -= 1;
  }

  /** A child has less to do: it may leave now, or take the next. */
  #release(child: PoolChild): void {
    if (child.isRetiring && child.isIdle && !child.isGone) child.stop();
    if (this.#isStopping && this.#children.isQuiet) this.#idle?.resolve();
    this.#place();
    if (this.room > 0) this.#room.emit();
  }

  /** Ends a child for the sake of one job. What it will be told is settled first: its death may come by other ways. */
  #end(child: PoolChild, held: Held, verdict: Outcome, signal: NodeJS.Signals): void {
    held.verdict ??= verdict;
    child.end(signal, this.#options.core.clock);
  }

  #gone(child: PoolChild, how: string): void {
    this.#lookAt(child);
    const wasExpected = child.isRetiring;
    child.gone(how);
    for (const held of child.held.values()) {
      this.#drop(child, held);
      if (held.startedAt === undefined) this.#tell(() => held.job.onReturned());
      else if (child.isForsaken && held.verdict === undefined) this.#tell(() => held.job.onReturned());
      else this.#tell(() => held.job.onEnded(held.verdict ?? workerLostOutcome(how, this.#age(held))));
    }
    if (!wasExpected && !this.#isStopping) this.#log.error(`Child ${child.channel.pid} ended: ${how}. Another takes its place`);
    child.ended.resolve();
    this.#children.replace(child);
    this.#release(child);
  }

  /** A child that runs without a pause reports nothing: which of its jobs has begun is read from what it notes. */
  #lookAt(child: PoolChild): void {
    if (child.held.size === 0) return;
    const last = child.channel.lastStarted();
    for (const held of child.held.values()) if (held.seq <= last) this.#started(child, held, this.#options.core.clock.now());
  }

  #age(held: Held): number {
    return held.startedAt === undefined ? 0 : this.#options.core.clock.monotonic() - held.startedAt;
  }

  /** The worker's callbacks belong to the worker: an error in one must not stop the pool. */
  #tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#log.critical('Settling a task failed', { error });
    }
  }
}
