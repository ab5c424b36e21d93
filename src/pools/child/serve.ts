import { EncodeError, NotRegistered, SoftTimeLimitExceeded, TaskRevokedError } from '../../errors.ts';
import { runAfter } from '../../execution/hooks.ts';
import type { Outcome } from '../../execution/outcome.ts';
import { failureOutcome } from '../../execution/outcomes.ts';
import { runTask } from '../../execution/run-task.ts';
import { TaskRun } from '../../execution/run.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { FromChild, PackedReason, ToChild } from '../ipc.ts';
import { Outbox } from '../outbox.ts';
import { unpackMessage } from '../packed-message.ts';
import type { ChildCore } from './core.ts';
import { ChildHost } from './host.ts';
import { relayLogger } from './log.ts';
import type { ChildConfig, ChildPort } from './port.ts';

type JobMessage = Extract<ToChild, { kind: 'job' }>;
type AfterMessage = Extract<ToChild, { kind: 'after' }>;

interface Current {
  readonly seq: number;
  readonly atMs: number;
  run: TaskRun | undefined;
  /** The parent knows that it has begun. */
  isReported: boolean;
  hasEnded: boolean;
  /** The turn of the loop in which it began is over: whoever ends it must see to the next one. */
  isLate: boolean;
  /** It came to be cancelled while its message was being read. */
  reason: Error | undefined;
}

/** Work between two reports while short jobs follow each other. */
const REPORT_MS = 1;
/** Runs that wait for their `after`; the parent asks soon or not at all. */
const MOST_KEPT = 100;

/** Runs jobs one at a time, in order, until the pool says stop or its channel closes. */
export class ChildServer {
  readonly #port: ChildPort;
  readonly #core: ChildCore;
  readonly #config: ChildConfig;
  readonly #outbox: Outbox<FromChild>;
  readonly #host: ChildHost;
  readonly #log: Logger;
  readonly #queue: JobMessage[] = [];
  readonly #kept = new Map<number, TaskRun>();
  #current: Current | undefined;
  #reportedAt = 0;
  #afters = 0;
  #isAwake = false;
  #isStopping = false;

  constructor(port: ChildPort, core: ChildCore, config: ChildConfig) {
    this.#port = port;
    this.#core = core;
    this.#config = config;
    this.#outbox = new Outbox(
      (batch, sent) => port.send(batch, sent),
      (message, error) => this.#refused(message, error),
    );
    this.#host = new ChildHost((message) => this.#outbox.push(message));
    this.#log = relayLogger((message) => {
      // At once: what follows may be a busy loop, or the end of this child.
      this.#outbox.add(message);
      this.#outbox.flush();
    });
    core.setHost(this.#host);
    core.setLog(this.#log);
  }

  get log(): Logger {
    return this.#log;
  }

  start(): void {
    this.#port.onBatch((batch) => {
      for (const message of batch) this.#take(message);
    });
    this.#outbox.add({ kind: 'ready', pid: this.#port.pid });
    this.#outbox.flush();
  }

  #take(message: ToChild): void {
    switch (message.kind) {
      case 'job':
        this.#queue.push(message);
        return this.#wake();
      case 'cancel':
        return this.#cancel(message.seq, reasonOf(message.reason));
      case 'after':
        return void this.#after(message);
      case 'answer':
        return this.#host.answer(message.call, message.error);
      case 'recall':
        return this.#handBack();
      case 'stop':
        this.#isStopping = true;
        this.#handBack();
        this.#exitWhenDone();
    }
  }

  #handBack(): void {
    for (const { seq } of this.#queue.splice(0)) this.#outbox.push({ kind: 'returned', seq });
  }

  /** The first job begins in a turn of its own too. */
  #wake(): void {
    if (this.#current !== undefined || this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      this.#next();
    });
  }

  #next(): void {
    const job = this.#queue.shift();
    if (job === undefined) {
      this.#current = undefined;
      this.#outbox.flush();
      this.#exitWhenDone();
      return;
    }
    const current: Current = {
      seq: job.seq,
      atMs: this.#core.clock.now(),
      run: undefined,
      isReported: false,
      hasEnded: false,
      isLate: false,
      reason: undefined,
    };
    this.#current = current;
    if (!job.isAlone) return this.#begin(job, current);
    // It may block the loop for long: the outcomes of its neighbours and its own beginning must be with the parent by then.
    this.#report(current, () => setImmediate(() => this.#begin(job, current)));
  }

  #begin(job: JobMessage, current: Current): void {
    this.#port.markStarted(current.seq);
    void this.#run(job, current).then((outcome) => this.#ended(current, outcome));
    // The pool's messages, and the end of its channel, are heard between any two jobs: each begins in a turn of the loop, in its last phase.
    setImmediate(() => {
      if (current.hasEnded) return this.#next();
      current.isLate = true;
      this.#report(current);
    });
  }

  async #run(job: JobMessage, current: Current): Promise<Outcome> {
    try {
      const reading = this.#core.receive(unpackMessage(job.message));
      const received = reading instanceof Promise ? await reading : reading;
      const task = this.#core.findTask(received.headers.task);
      if (task === undefined) return failureOutcome(new NotRegistered(received.headers.task));
      const run = (current.run = new TaskRun(received, this.#host));
      if (current.reason !== undefined) run.abort(current.reason);
      if (task.listensAfter) this.#keep(current.seq, run);
      const outcome = runTask(received, task, this.#host, this.#core.clock, run);
      return await outcome;
    } catch (error) {
      return failureOutcome(error);
    }
  }

  #ended(current: Current, outcome: Outcome): void {
    current.hasEnded = true;
    this.#outbox.add({ kind: 'ended', seq: current.seq, atMs: current.atMs, outcome });
    if (this.#config.reportsMemory) this.#outbox.add({ kind: 'memory', kb: this.#port.memoryKb() });
    const now = this.#core.clock.monotonic();
    if (this.#queue.length === 0 || now - this.#reportedAt >= REPORT_MS) {
      this.#reportedAt = now;
      this.#outbox.flush();
    }
    if (current.isLate) setImmediate(() => setImmediate(() => this.#next()));
  }

  #report(current: Current, sent?: () => void): void {
    if (!current.isReported) this.#outbox.add({ kind: 'started', seq: current.seq, atMs: current.atMs });
    current.isReported = true;
    this.#reportedAt = this.#core.clock.monotonic();
    this.#outbox.flush(sent);
  }

  #cancel(seq: number, reason: Error): void {
    const at = this.#queue.findIndex((job) => job.seq === seq);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      this.#outbox.push({ kind: 'returned', seq });
    } else if (this.#current?.seq === seq) {
      this.#current.reason = reason;
      this.#current.run?.abort(reason);
    }
  }

  /** At once, beside what runs: a late ack waits for it. */
  async #after({ call, seq, message, outcome }: AfterMessage): Promise<void> {
    this.#afters += 1;
    try {
      const run = this.#kept.get(seq) ?? new TaskRun(await this.#core.receive(unpackMessage(message)), this.#host);
      this.#kept.delete(seq);
      const task = this.#core.findTask(run.received.headers.task);
      if (task !== undefined) await runAfter(task, run, outcome, this.#log);
    } catch (error) {
      this.#log.error('What follows a stored result could not be run', { error });
    }
    this.#afters -= 1;
    this.#outbox.push({ kind: 'after', call });
    this.#exitWhenDone();
  }

  #keep(seq: number, run: TaskRun): void {
    this.#kept.set(seq, run);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** The channel does not carry it (too long, or an event's field that is no JSON): whoever waits for it is told, and the rest goes on. */
  #refused(message: FromChild, error: unknown): FromChild | undefined {
    const reason = `the channel to the pool does not carry it: ${error instanceof Error ? error.message : String(error)}`;
    if (message.kind === 'ended') return { ...message, outcome: failureOutcome(new EncodeError(reason, { cause: error })) };
    if (message.kind === 'call') this.#host.answer(message.call, reason);
    if (message.kind === 'emit') this.#log.error(`The event ${message.type} was not sent`, { error });
    return undefined;
  }

  #exitWhenDone(): void {
    if (!this.#isStopping || this.#current !== undefined || this.#afters > 0) return;
    const leave = (): void => this.#outbox.flush(() => this.#port.exit(0));
    this.#core.close().then(leave, leave);
  }
}

function reasonOf({ name, message }: PackedReason): Error {
  return name === 'SoftTimeLimitExceeded' ? new SoftTimeLimitExceeded(message) : new TaskRevokedError(message);
}
