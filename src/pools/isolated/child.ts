import type { Outcome } from '../../execution/outcome.ts';
import type { Clock } from '../../kernel/clock.ts';
import { deferred, type Deferred } from '../../kernel/deferred.ts';
import type { ToChild } from '../ipc.ts';
import { Outbox } from '../outbox.ts';
import { packMessage } from '../packed-message.ts';
import type { Job } from '../pool.ts';
import type { Channel } from './channel.ts';

/** For a signal to end a child, before one that surely does. */
const SIGNAL_MS = 200;

/** A job that a child holds. */
export interface Held {
  readonly seq: number;
  readonly job: Job;
  /** On the clock's `monotonic`, when its function was about to be called; undefined while it waits. */
  startedAt: number | undefined;
  limits: Disposable | undefined;
  /** What its end by force means: decided by whoever ended the child. */
  verdict: Outcome | undefined;
}

export interface ChildOptions {
  open(child: PoolChild): Channel;
  /** A job that it was given cannot travel to it. */
  onRefused(child: PoolChild, held: Held, error: unknown): void;
}

/** The pool's view of one child: what it holds, and whether it may be given more. */
export class PoolChild {
  /** As log lines show it: `ForkPoolWorker-1`. */
  readonly name: string;
  readonly channel: Channel;
  readonly held = new Map<number, Held>();
  /** Jobs that ended here and want to hear more, with their number, and the timer after which nobody waits for that. */
  readonly listening = new Map<Job, { readonly seq: number; readonly patience: Disposable }>();
  readonly #outbox: Outbox<ToChild>;
  readonly #onRefused: ChildOptions['onRefused'];
  readonly #afters = new Map<number, Deferred<void>>();
  readonly ready = deferred<void>();
  readonly ended = deferred<void>();
  isReady = false;
  /** It is given no more: too old, too large, or one too many. */
  isRetiring = false;
  isGone = false;
  /** Ended with all it was doing, because the pool's patience was over. */
  isForsaken = false;
  /** The job it holds must be its only one. */
  isExclusive = false;
  #seq = 0;
  #calls = 0;

  constructor(name: string, { open, onRefused }: ChildOptions) {
    this.name = name;
    this.#onRefused = onRefused;
    this.channel = open(this);
    const send = (batch: readonly ToChild[]): void => {
      if (!this.isGone) this.channel.send(batch);
    };
    this.#outbox = new Outbox(send, (message, error) => this.#refused(message, error));
    // Nobody may be waiting for it; a child that breaks later is replaced.
    this.ready.promise.catch(() => undefined);
  }

  /** Jobs given to it so far. */
  get given(): number {
    return this.#seq;
  }

  get isIdle(): boolean {
    return this.held.size === 0 && this.#afters.size === 0 && this.listening.size === 0;
  }

  give(job: Job, isAlone: boolean): Held {
    const held: Held = { seq: ++this.#seq, job, startedAt: undefined, limits: undefined, verdict: undefined };
    this.held.set(held.seq, held);
    this.isExclusive = isAlone;
    try {
      this.#outbox.push({ kind: 'job', seq: held.seq, isAlone, message: packMessage(job.received) });
    } catch (error) {
      this.#onRefused(this, held, error);
    }
    return held;
  }

  cancel({ seq }: Held, reason: Error): void {
    this.#outbox.push({ kind: 'cancel', seq, reason: { name: reason.name, message: reason.message } });
  }

  answer(call: number, error?: unknown): void {
    this.#outbox.push({ kind: 'answer', call, ...(error === undefined ? null : { error: error instanceof Error ? error.message : String(error) }) });
  }

  /** Resolves when it has run, or when the child is gone: then false. */
  async after(job: Job, outcome: Outcome): Promise<boolean> {
    const call = ++this.#calls;
    const done = deferred<void>();
    this.#afters.set(call, done);
    this.#outbox.push({ kind: 'after', call, seq: this.listening.get(job)?.seq ?? 0, message: packMessage(job.received), outcome });
    this.forget(job);
    return done.promise.then(
      () => true,
      () => false,
    );
  }

  afterDone(call: number): void {
    this.#afters.get(call)?.resolve();
    this.#afters.delete(call);
  }

  forget(job: Job): void {
    this.listening.get(job)?.patience[Symbol.dispose]();
    this.listening.delete(job);
  }

  /** The channel does not carry it: only what waits for this one message hears of that. */
  #refused(message: ToChild, error: unknown): undefined {
    const held = message.kind === 'job' ? this.held.get(message.seq) : undefined;
    if (held !== undefined) this.#onRefused(this, held, error);
    if (message.kind === 'after') this.afterDone(message.call);
  }

  /** Asks for what has not begun. */
  recall(): void {
    if (this.held.size > 0) this.#outbox.push({ kind: 'recall' });
  }

  /** Ends it by force. A signal that its kind may ignore is followed by one that it cannot. */
  end(signal: NodeJS.Signals, clock: Clock): void {
    this.isRetiring = true;
    // Children do not heed the terminal's signals, so these would not end one.
    if (signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT') return this.channel.kill('SIGKILL');
    this.channel.kill(signal);
    clock.schedule(SIGNAL_MS, () => {
      if (!this.isGone) this.channel.kill('SIGKILL');
    });
  }

  stop(): void {
    this.#outbox.push({ kind: 'stop' });
  }

  /** Ends everything that waits for it. */
  gone(how: string): void {
    this.isGone = true;
    this.isRetiring = true;
    for (const job of this.listening.keys()) this.forget(job);
    for (const done of this.#afters.values()) done.reject(new Error(how));
    this.#afters.clear();
    this.ready.reject(new Error(how));
    this.channel.close();
  }
}
