import { ImproperlyConfigured, TaskRevokedError } from '../../errors.ts';
import type { Outcome } from '../../execution/outcome.ts';
import { deferred, type Deferred } from '../../kernel/deferred.ts';
import { Emitter } from '../../kernel/emitter.ts';
import type { FromChild } from '../ipc.ts';
import type { PoolOptions } from '../options.ts';
import type { Job, Pool } from '../pool.ts';
import { Recycling } from '../recycling.ts';
import { WINDOW, Windows } from '../windows.ts';
import type { Spawn } from './channel.ts';
import type { PoolChild } from './child.ts';
import { Children } from './children.ts';
import { HeldJobs } from './held-jobs.ts';
import { carryOut } from './host-calls.ts';
import { Lookout } from './lookout.ts';

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
  readonly #held: HeldJobs;
  readonly #lookout: Lookout;
  readonly #room: Emitter<void>;
  #lastWasShort = false;
  #isPlacing = false;
  #isStopping = true;
  #idle: Deferred<void> | undefined;

  constructor(isolation: 'thread' | 'process', options: PoolOptions, spawn: Spawn) {
    this.isolation = isolation;
    this.#options = options;
    this.#children = new Children({
      prefix: isolation === 'process' ? 'ForkPoolWorker' : 'ThreadPoolWorker',
      size: options.concurrency,
      clock: options.core.clock,
      child: {
        open: (child) =>
          spawn({
            onBatch: (batch) => {
              for (const message of batch) this.#hear(child, message);
              this.#place();
            },
            onGone: (how) => this.#gone(child, how),
          }),
        onRefused: (child, held, error) => {
          this.#held.refused(child, held, error);
          this.#release(child);
        },
      },
    });
    this.#recycling = new Recycling(options);
    this.#held = new HeldJobs(options.core, (child) => this.#release(child));
    this.#lookout = new Lookout(options.core.clock, () => {
      for (const child of this.#children.all) this.#held.lookAt(child);
      return this.#held.count > 0;
    });
    this.#room = new Emitter((error) => this.#log.error('A listener of the pool failed', { error }));
  }

  get #log() {
    return this.#options.core.log;
  }

  get size(): number {
    return this.#children.size;
  }

  get slots(): number {
    return this.size * (this.#lastWasShort ? WINDOW : 1);
  }

  get room(): number {
    if (this.#isStopping) return 0;
    return Math.max(0, this.slots - this.#held.count - this.#backlog.length);
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

  recall(): void {
    for (const job of this.#backlog.splice(0)) this.#held.tell(() => job.onReturned());
    for (const child of this.#children.all) child.recall();
  }

  cancel(taskId: string, reason: Error): boolean {
    const waiting = this.#backlog.findIndex((job) => job.received.headers.id === taskId);
    if (waiting >= 0) {
      const [job] = this.#backlog.splice(waiting, 1);
      this.#held.tell(() => job!.onReturned());
      return true;
    }
    const found = this.#children.find(taskId);
    found?.child.cancel(found.held, reason);
    return found !== undefined;
  }

  kill(taskId: string, signal: NodeJS.Signals): Promise<boolean> {
    const found = this.#children.find(taskId);
    if (found === undefined) return Promise.resolve(this.cancel(taskId, new TaskRevokedError('terminated')));
    this.#held.terminate(found.child, found.held, signal, new TaskRevokedError('terminated'));
    return Promise.resolve(true);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    this.#children.close();
    this.recall();
    if (!this.#children.isQuiet && !deadline.aborted) {
      const idle = (this.#idle = deferred());
      const abandon = (): void => idle.resolve();
      deadline.addEventListener('abort', abandon, { once: true });
      await idle.promise;
      deadline.removeEventListener('abort', abandon);
    }
    await this.#children.farewell(deadline);
    this.#held.clear();
    this.#lookout.stop();
  }

  info(): Readonly<Record<string, unknown>> {
    return {
      implementation: `celeriac:${this.isolation === 'process' ? 'prefork' : 'threads'}`,
      'max-concurrency': this.size,
      processes: this.#children.all.map((child) => child.channel.pid),
      'max-tasks-per-child': this.#options.maxTasksPerChild ?? 'N/A',
      running: this.#held.count,
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
      this.#held.give(child, job, !isShort);
      if (this.#recycling.left(child.given) === 0) this.#children.retire(child);
    }
    this.#isPlacing = false;
    if (this.#held.count > 0) this.#lookout.start();
  }

  #hear(child: PoolChild, message: FromChild): void {
    switch (message.kind) {
      case 'ready':
        return this.#children.loaded(child);
      case 'broken':
        return child.ready.reject(new Error(message.error));
      case 'started':
        return this.#held.started(child, child.held.get(message.seq), message.atMs);
      case 'ended':
        return this.#ended(child, message);
      case 'returned':
        return this.#returned(child, message.seq);
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
        return this.#log[message.level === 'warning' ? 'warn' : message.level](message.message, { ...message.data, process: child.name });
    }
  }

  #ended(child: PoolChild, { seq, outcome, atMs }: Extract<FromChild, { kind: 'ended' }>): void {
    const held = child.held.get(seq);
    if (held === undefined) return;
    this.#held.started(child, held, atMs);
    const { task } = held.job.received.headers;
    this.#windows.note(task, outcome.runtimeMs);
    this.#lastWasShort = this.#windows.isShort(task);
    this.#held.ended(child, held, outcome);
    this.#release(child);
  }

  #returned(child: PoolChild, seq: number): void {
    const held = child.held.get(seq);
    if (held === undefined) return;
    this.#held.returned(child, held);
    this.#release(child);
  }

  /** A child has less to do: it may leave now, or take the next. */
  #release(child: PoolChild): void {
    if (child.isRetiring && child.isIdle && !child.isGone) child.stop();
    if (this.#isStopping && this.#children.isQuiet) this.#idle?.resolve();
    this.#place();
    if (this.room > 0) this.#room.emit();
  }

  #gone(child: PoolChild, how: string): void {
    this.#held.lookAt(child);
    const wasExpected = child.isRetiring;
    child.gone(how);
    this.#held.lost(child, how);
    if (!wasExpected && !this.#isStopping) this.#log.error(`Child ${child.channel.pid} ended: ${how}. Another takes its place`);
    child.ended.resolve();
    this.#children.replace(child);
    this.#release(child);
  }
}
