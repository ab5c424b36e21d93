import { ImproperlyConfigured } from '../../errors.ts';
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
import { PoolChild, type Held } from './child.ts';
import { carryOut } from './host-calls.ts';

/** How often a child that says nothing is looked at, to see which of its jobs has begun. */
const LOOK_MS = 20;
/** Children that break one after the other are replaced more and more slowly. */
const RESPAWN_MS = 500;
const RESPAWN_MAX_MS = 30_000;
/** For children to leave by themselves, once they have nothing to do. */
const FAREWELL_MS = 2_000;
/** For the worker to store a result and ask for the hooks; a child that is to leave waits so long. */
const AFTER_MS = 10_000;
/** For a signal to end a child, before one that surely does. */
const SIGNAL_MS = 200;

/**
 * Tasks in children that can be ended: processes or threads. A child runs one job at a time; of tasks that have proven short it holds a
 * window, so that the channel's price is shared. Whatever a child dies of, what it ran is lost, what it held is handed back, and another takes its place.
 */
export class IsolatedPool implements Pool {
  readonly name = 'pool';
  readonly isolation: 'thread' | 'process';
  readonly #options: PoolOptions;
  readonly #spawn: Spawn;
  readonly #children = new Set<PoolChild>();
  readonly #backlog: Job[] = [];
  readonly #windows = new Windows();
  readonly #recycling: Recycling;
  readonly #limits: TimeLimits;
  readonly #room: Emitter<void>;
  #size: number;
  #held = 0;
  #lastWasShort = false;
  #isPlacing = false;
  #isStopping = true;
  #failures = 0;
  #look: Disposable | undefined;
  #idle: Deferred<void> | undefined;

  constructor(isolation: 'thread' | 'process', options: PoolOptions, spawn: Spawn) {
    this.isolation = isolation;
    this.#options = options;
    this.#spawn = spawn;
    this.#size = options.concurrency;
    this.#recycling = new Recycling(options);
    this.#limits = new TimeLimits(options.core.clock);
    this.#room = new Emitter((error) => this.#log.error('A listener of the pool failed', { error }));
  }

  get #log() {
    return this.#options.core.log;
  }

  get size(): number {
    return this.#size;
  }

  get room(): number {
    if (this.#isStopping) return 0;
    return Math.max(0, this.#size * (this.#lastWasShort ? WINDOW : 1) - this.#held - this.#backlog.length);
  }

  onRoom(listener: () => void): Disposable {
    return this.#room.on(listener);
  }

  /** Resolves when every child has loaded the app; fails with what a child says when it cannot. */
  async start(): Promise<void> {
    this.#isStopping = false;
    this.#fill();
    try {
      await Promise.all([...this.#children].map((child) => child.ready.promise));
    } catch (error) {
      this.#isStopping = true;
      for (const child of this.#children) child.channel.kill('SIGKILL');
      throw new ImproperlyConfigured(`a child of the ${this.isolation} pool could not load the app: ${(error as Error).message}`, { cause: error });
    }
  }

  run(job: Job): void {
    if (this.#isStopping) return job.onReturned();
    this.#backlog.push(job);
    this.#place();
  }

  async after(job: Job, outcome: Outcome): Promise<void> {
    const own = [...this.#children].find((child) => child.listening.has(job));
    const other = (): PoolChild | undefined => [...this.#children].find((child) => child.isReady && !child.isGone);
    for (let child = own ?? other(); child !== undefined; child = other()) {
      const isDone = await child.after(job, outcome);
      this.#release(child);
      if (isDone) return;
    }
    this.#log.warn(`No child is left to run the hooks of task ${job.received.headers.task}[${job.received.headers.id}]`);
  }

  async resize(size: number): Promise<void> {
    this.#size = size;
    const surplus = this.#serving().length - size;
    const idleFirst = this.#serving().toSorted((a, b) => a.held.size - b.held.size);
    for (const child of idleFirst.slice(0, Math.max(0, surplus))) this.#retire(child);
    this.#fill();
    await Promise.allSettled(this.#serving().map((child) => child.ready.promise));
    if (this.room > 0) this.#room.emit();
  }

  cancel(taskId: string, reason: Error): boolean {
    const waiting = this.#backlog.findIndex((job) => job.received.headers.id === taskId);
    if (waiting >= 0) {
      const [job] = this.#backlog.splice(waiting, 1);
      this.#tell(() => job!.onReturned());
      return true;
    }
    const found = this.#find(taskId);
    found?.child.cancel(found.held, reason);
    return found !== undefined;
  }

  kill(taskId: string, signal: NodeJS.Signals): Promise<boolean> {
    const found = this.#find(taskId);
    if (found === undefined) return Promise.resolve(false);
    this.#lookAt(found.child);
    const { child, held } = found;
    // What has not begun needs no killing; its child's other work goes on.
    if (held.startedAt === undefined) child.cancel(held, new Error('terminated'));
    else this.#end(child, held, revokedOutcome('terminated', { signal, runtimeMs: this.#age(held) }), signal);
    return Promise.resolve(true);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    for (const job of this.#backlog.splice(0)) this.#tell(() => job.onReturned());
    for (const child of this.#children)
      for (const held of child.held.values()) if (held.startedAt === undefined) child.cancel(held, new Error('the pool stops'));
    if (!this.#isQuiet && !deadline.aborted) {
      this.#idle = deferred();
      await untilAborted(this.#idle.promise, deadline);
      this.#idle = undefined;
    }
    const gone = [...this.#children].map((child) => child.ended.promise);
    for (const child of this.#children) {
      child.isForsaken = deadline.aborted;
      if (deadline.aborted) child.channel.kill('SIGKILL');
      else child.stop();
    }
    const timer = this.#options.core.clock.schedule(FAREWELL_MS, () => {
      for (const child of this.#children) child.channel.kill('SIGKILL');
    });
    await Promise.all(gone);
    timer[Symbol.dispose]();
    this.#limits.clear();
    this.#look?.[Symbol.dispose]();
    this.#look = undefined;
  }

  info(): Readonly<Record<string, unknown>> {
    return {
      implementation: `celeriac:${this.isolation === 'process' ? 'prefork' : 'threads'}`,
      'max-concurrency': this.#size,
      processes: [...this.#children].map((child) => child.channel.pid),
      'max-tasks-per-child': this.#options.maxTasksPerChild ?? 'N/A',
      running: this.#held,
    };
  }

  /** Children that count: those about to leave have successors already. */
  #serving(): PoolChild[] {
    return [...this.#children].filter((child) => !child.isRetiring);
  }

  get #isQuiet(): boolean {
    return [...this.#children].every((child) => child.isIdle);
  }

  #fill(): void {
    for (let missing = this.#size - this.#serving().length; missing > 0 && !this.#isStopping; missing--) {
      const child: PoolChild = new PoolChild((self) =>
        this.#spawn({
          onBatch: (batch) => {
            for (const message of batch) this.#hear(self, message);
            this.#place();
          },
          onGone: (how) => this.#gone(self, how),
        }),
      );
      this.#children.add(child);
    }
  }

  /** In the order they came: a job that needs a child to itself waits for the first one that empties, and what came after waits with it. */
  #place(): void {
    if (this.#isPlacing) return;
    this.#isPlacing = true;
    while (this.#backlog.length > 0) {
      const job = this.#backlog[0]!;
      const isShort = this.#windows.isShort(job.received.headers.task);
      const child = this.#bestFor(isShort);
      if (child === undefined) break;
      this.#backlog.shift();
      this.#held += 1;
      child.give(job, !isShort);
      if (this.#recycling.left(child.given) === 0) this.#retire(child);
    }
    this.#isPlacing = false;
    if (this.#held > 0 && this.#look === undefined) this.#lookLater();
  }

  #bestFor(isShort: boolean): PoolChild | undefined {
    let best: PoolChild | undefined;
    for (const child of this.#children) {
      if (!child.isReady || child.isRetiring) continue;
      if (child.held.size > 0 && (!isShort || child.isExclusive || child.held.size >= WINDOW)) continue;
      if (best === undefined || child.held.size < best.held.size) best = child;
      if (best.held.size === 0) break;
    }
    return best;
  }

  #hear(child: PoolChild, message: FromChild): void {
    switch (message.kind) {
      case 'ready':
        this.#failures = 0;
        child.isReady = true;
        child.ready.resolve();
        return;
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
          this.#retire(child);
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
    if (this.#isStopping && this.#isQuiet) this.#idle?.resolve();
    this.#place();
    if (this.room > 0) this.#room.emit();
  }

  #retire(child: PoolChild): void {
    if (child.isRetiring) return;
    child.isRetiring = true;
    if (child.isIdle) child.stop();
  }

  /** Ends a child for the sake of one job. What it will be told is settled first: its death may come by other ways. */
  #end(child: PoolChild, held: Held, verdict: Outcome, signal: NodeJS.Signals): void {
    held.verdict ??= verdict;
    child.isRetiring = true;
    // Children do not heed the terminal's signals, so these would not end one.
    child.channel.kill(signal === 'SIGTERM' || signal === 'SIGINT' ? 'SIGKILL' : signal);
    if (signal !== 'SIGKILL') this.#options.core.clock.schedule(SIGNAL_MS, () => child.isGone || child.channel.kill('SIGKILL'));
  }

  #gone(child: PoolChild, how: string): void {
    this.#lookAt(child);
    this.#children.delete(child);
    const wasBroken = !child.isReady;
    const wasExpected = child.isRetiring;
    child.gone(how);
    for (const held of [...child.held.values()]) {
      this.#drop(child, held);
      if (held.startedAt === undefined) this.#tell(() => held.job.onReturned());
      else if (child.isForsaken && held.verdict === undefined) this.#tell(() => held.job.onReturned());
      else this.#tell(() => held.job.onEnded(held.verdict ?? workerLostOutcome(how, this.#age(held))));
    }
    if (!wasExpected && !this.#isStopping) this.#log.error(`Child ${child.channel.pid} ended: ${how}. Another takes its place`);
    child.ended.resolve();
    if (this.#isStopping) {
      if (this.#isQuiet) this.#idle?.resolve();
      return;
    }
    if (wasBroken) this.#options.core.clock.schedule(Math.min(RESPAWN_MAX_MS, RESPAWN_MS * 2 ** this.#failures++), () => this.#fill());
    else this.#fill();
    this.#release(child);
  }

  /** A child that runs without a pause reports nothing: which of its jobs has begun is read from what it notes. */
  #lookAt(child: PoolChild): void {
    if (child.held.size === 0) return;
    const last = child.channel.lastStarted();
    for (const held of child.held.values()) if (held.seq <= last) this.#started(child, held, this.#options.core.clock.now());
  }

  #lookLater(): void {
    this.#look = this.#options.core.clock.schedule(LOOK_MS, () => {
      this.#look = undefined;
      for (const child of this.#children) this.#lookAt(child);
      if (this.#held > 0) this.#lookLater();
    });
  }

  #find(taskId: string): { readonly child: PoolChild; readonly held: Held } | undefined {
    for (const child of this.#children) {
      for (const held of child.held.values()) if (held.job.received.headers.id === taskId) return { child, held };
    }
    return undefined;
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

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = deferred<void>();
  const abort = (): void => aborted.resolve();
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([promise, aborted.promise]);
  signal.removeEventListener('abort', abort);
}
