import type { Outcome } from '../execution/outcome.ts';
import { BackendStoreError } from '../errors.ts';
import { finishAgain, finishTask, type Finished } from '../execution/finish-task.ts';
import { metaOf, startedMeta } from '../execution/metas.ts';
import { revokedOutcome } from '../execution/outcomes.ts';
import { isUnreachable } from '../execution/save.ts';
import { deferred } from '../kernel/deferred.ts';
import type { Deferred } from '../kernel/deferred.ts';
import { encoded } from '../protocol/json-text.ts';
import type { Verdict } from '../transports/transport.ts';
import { admitToStart } from './admission.ts';
import type { WorkerContext } from './context.ts';
import { logOutcome } from './log-lines.ts';
import { lostOutcome } from './lost-child.ts';
import type { Request, RequestOwner } from './request.ts';
import { failureKind, goesToAnother, verdictFor } from './settle.ts';
import { taskEnded, taskStarted } from './task-events.ts';

/** How long to wait before looking again whether the lease is certain. */
const UNCERTAIN_MS = 100;
/** What has run and could not be recorded is not run again at once: its store may need a while. */
const REQUEUE_MS = 10_000;

/** From ready to settled: hands requests to the pool as it has room, and finishes what it gives back. */
export class Runner implements RequestOwner {
  readonly #context: WorkerContext;
  /** How many answers of broker and store are still out. */
  #pending = 0;
  #latest: Promise<void> | undefined;
  #isDispatching = false;
  #whenIdle: Deferred<void> | undefined;
  #lookAgain: Disposable | undefined;

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  /** It waits for nothing but the pool. */
  ready(request: Request): void {
    const context = this.#context;
    context.planWindow();
    if (context.isTaking && context.pool.room > 0 && context.reservations.count('ready') === 0 && context.isCertain()) return this.#start(request);
    context.reservations.move(request, 'ready');
    this.dispatch();
  }

  /** Starts what waits, as far as the pool has room. */
  dispatch(): void {
    const { pool, reservations } = this.#context;
    this.#context.planWindow();
    // A task may end while it is being started, and its end calls us: the turn that goes on already sees to the room it leaves.
    if (this.#isDispatching || !this.#context.isTaking || reservations.count('ready') === 0) return;
    if (!this.#context.isCertain()) return this.#dispatchLater();
    this.#isDispatching = true;
    try {
      for (let request = reservations.nextReady(); request !== undefined && pool.room > 0; request = reservations.nextReady()) this.#start(request);
    } finally {
      this.#isDispatching = false;
    }
  }

  /** Ends a request that never got to the pool. */
  finishUnstarted(request: Request, outcome: Outcome): void {
    this.#context.reservations.move(request, 'finishing');
    this.#finish(request, outcome);
  }

  started(request: Request, pid: number, atMs: number): void {
    const { counters, events, pool } = this.#context;
    request.startedAtMs = atMs;
    request.pid = pid;
    if (request.isAbandoned) return;
    counters.started(request.name);
    if (!request.acksLate) this.settle(request, 'ack');
    if (request.task.policy.trackStarted) this.#storeStarted(request, pid);
    if (events.sendsTasks && request.task.policy.sendEvents) taskStarted(events, request.id);
    if (request.killWith !== undefined) void pool.kill(request.id, request.killWith);
  }

  ended(request: Request, outcome: Outcome): void {
    const { pool, prefetch, reservations } = this.#context;
    if (request.isAbandoned) return this.forget(request);
    reservations.move(request, 'finishing');
    prefetch.ended(outcome.runtimeMs, pool.slots);
    this.#finish(request, outcome);
    this.dispatch();
  }

  returned(request: Request): void {
    if (request.isAbandoned) return this.forget(request);
    if (this.#context.isTaking) this.ready(request);
    else this.giveBack(request);
  }

  /** To whoever takes it next; it has not been started here. */
  giveBack(request: Request): void {
    this.forget(request);
    this.settle(request, 'return');
  }

  /** Out of our books, without a word to the broker. */
  forget(request: Request): void {
    const { rateLimits, reservations } = this.#context;
    request.timer?.[Symbol.dispose]();
    if (request.standing === 'limited') rateLimits.remove(request.name, request);
    reservations.move(request, 'gone');
    this.#wake();
  }

  /** It is not ours any more: others have it. */
  drop(request: Request): void {
    this.forget(request);
    if (request.isSettled) return;
    request.isSettled = true;
    this.#context.reservations.settled(request);
  }

  settle(request: Request, verdict: Verdict): void {
    if (request.isSettled) return;
    const answer = request.settle(verdict);
    this.#context.reservations.settled(request);
    this.track(answer);
  }

  /** The broker's answer to a verdict; a failure is logged, and the message comes again when its lease ends. */
  track(answer: Promise<void>): void {
    // Calls of one tick share theirs.
    if (answer === this.#latest) return;
    this.#latest = answer;
    this.#pending += 1;
    const done = (): void => {
      this.#pending -= 1;
      this.#wake();
    };
    answer.then(done, (error: unknown) => {
      this.#context.log.warn('the broker did not take our word on a message; it may come again', { error });
      done();
    });
  }

  /** Nothing runs, all results are stored and the broker knows all verdicts. */
  get isIdle(): boolean {
    return this.#context.reservations.isIdle && this.#pending === 0;
  }

  /** Resolves when that is so; may take for ever while the store is away. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    this.#whenIdle ??= deferred();
    return this.#whenIdle.promise;
  }

  #wake(): void {
    if (this.#whenIdle === undefined || !this.isIdle) return;
    this.#whenIdle.resolve();
    this.#whenIdle = undefined;
  }

  #dispatchLater(): void {
    this.#lookAgain ??= this.#context.timers.schedule(UNCERTAIN_MS, () => {
      this.#lookAgain = undefined;
      this.dispatch();
    });
  }

  #start(request: Request): void {
    const { options, pool, reservations, revoked, clock } = this.#context;
    const { headers } = request.received;
    const answer = admitToStart(headers, { isRevoked: revoked.has(headers), now: () => clock.now() });
    if (answer !== 'run') return this.finishUnstarted(request, revokedOutcome(answer));
    reservations.move(request, 'running');
    if (options.deduplicates && request.acksLate && request.delivery.redelivered && !request.isChecked) this.track(this.#startUnlessDone(request));
    else pool.run(request);
  }

  /** A redelivered task whose result is stored already has run: its acknowledgement was lost, and with it perhaps what comes in between. */
  async #startUnlessDone(request: Request): Promise<void> {
    const { env, log, pool, reservations } = this.#context;
    request.isChecked = true;
    const meta = await env.backend.load(request.id).catch((error: unknown) => {
      log.warn(`cannot look up whether task ${request.label} has succeeded already; running it`, { error });
      return undefined;
    });
    if (meta?.status === 'SUCCESS') {
      log.info(`Task ${request.label} has succeeded already: not run again`);
      reservations.move(request, 'finishing');
      await finishAgain(request.received, meta.result, env).then(
        () => this.#conclude(request, 'ack'),
        (error: unknown) => this.#unrecorded(request, error, 'ack'),
      );
    } else if (pool.room > 0 && this.#context.isTaking) pool.run(request);
    else this.returned(request);
  }

  /** Not tried again: later it might overwrite the result. */
  #storeStarted(request: Request, pid: number): void {
    const { env, log } = this.#context;
    if (request.received.headers.ignore_result ?? request.task.policy.ignoreResult) return;
    const failed = (error: unknown): void => log.warn(`STARTED of task ${request.label} could not be stored`, { error });
    const { replyTo } = request.received.wire.properties;
    const options = replyTo === undefined ? {} : { replyTo };
    const meta = startedMeta(request.received, pid, env);
    if (meta instanceof Promise) meta.then((made) => env.backend.save(made, options)).catch(failed);
    else env.backend.save(meta, options).catch(failed);
  }

  /** Result, follow-ups, hooks, verdict, events: in this order. Never throws. */
  #finish(request: Request, outcome: Outcome): void {
    const { env } = this.#context;
    if (outcome.state === 'FAILURE' && failureKind(outcome.error.exc_type) === 'lost') return void this.#finishLost(request, outcome);
    try {
      const finishing = finishTask(request.received, outcome, env);
      if (!(finishing instanceof Promise)) return this.#finished(request, finishing);
      finishing.then(
        (finished) => this.#finished(request, finished),
        (error: unknown) => this.#unrecorded(request, error, verdictFor(outcome, request.task.policy)),
      );
    } catch (error) {
      this.#unrecorded(request, error, verdictFor(outcome, request.task.policy));
    }
  }

  #finished(request: Request, { outcome, listensAfter }: Finished): void {
    if (listensAfter && request.pid !== null) return void this.#finishAfter(request, outcome);
    try {
      this.#conclude(request, verdictFor(outcome, request.task.policy) ?? 'ack');
      this.#announce(request, outcome);
    } catch (error) {
      this.#unrecorded(request, error, verdictFor(outcome, request.task.policy));
    }
  }

  async #finishAfter(request: Request, outcome: Outcome): Promise<void> {
    try {
      await this.#context.pool.after(request, outcome);
      this.#finished(request, { outcome, listensAfter: false });
    } catch (error) {
      this.#unrecorded(request, error, verdictFor(outcome, request.task.policy));
    }
  }

  /** With its process: perhaps it is retried, or another worker gets it. */
  async #finishLost(request: Request, reported: Extract<Outcome, { state: 'FAILURE' }>): Promise<void> {
    const { env, log } = this.#context;
    const { policy } = request.task;
    let outcome: Outcome = reported;
    try {
      outcome = await lostOutcome(request, reported, env);
      if (goesToAnother(outcome, policy) && !request.isSettled) {
        log.error(`Task ${request.label} was lost with its process; another worker gets it`);
        return this.#conclude(request, 'requeue');
      }
      this.#finished(request, await finishTask(request.received, outcome, env));
    } catch (error) {
      this.#unrecorded(request, error, verdictFor(outcome, policy));
    }
  }

  /** Its result or what follows from it is not where it belongs: a late one is not acknowledged for that, unless the store has refused it for good. */
  #unrecorded(request: Request, error: unknown, refused: Verdict | undefined): void {
    const { env, log } = this.#context;
    if (env.signal?.aborted === true) {
      log.warn(`Task ${request.label} has ended, but its result could not be stored before the stop: it comes again if acks are late`, { error });
      return this.forget(request);
    }
    const verdict = error instanceof BackendStoreError ? refused : unrecordedVerdict(request, error);
    const then = verdict === 'requeue' ? '; it runs again later' : verdict === 'dead' ? '; its message goes to the dead letters' : '';
    log.critical(`Task ${request.label} INTERNAL ERROR: what follows from it could not be recorded${then}`, { error });
    if (verdict === 'requeue') request.timer = this.#context.timers.schedule(REQUEUE_MS, () => this.#conclude(request, 'requeue'));
    else this.#conclude(request, verdict ?? 'ack');
  }

  #conclude(request: Request, verdict: Verdict): void {
    this.settle(request, verdict);
    this.forget(request);
  }

  /** What the world hears of it. */
  #announce(request: Request, outcome: Outcome): void {
    const { counters, events, log } = this.#context;
    counters.finished(outcome.state);
    if (events.sendsTasks && request.task.policy.sendEvents) taskEnded(events, request.id, outcome);
    logOutcome(log, request, outcome);
    if (outcome.state === 'REVOKED') void this.#context.emitTask('taskRevoked', request.received, revokedFields(outcome));
    this.#context.planWindow();
  }

  /** Cold stop: what runs is ended; late ones go back, and of the others RETRY is all that can be said, as Celery does. */
  abandon(request: Request, reason: Error): void {
    const { env, log, pool } = this.#context;
    if (request.isAbandoned) return;
    request.isAbandoned = true;
    log.warn(`Task ${request.label} is given up: ${reason.message}`);
    const canReturn = !request.isSettled;
    this.settle(request, 'return');
    pool.cancel(request.id, reason);
    this.forget(request);
    if (canReturn || (request.received.headers.ignore_result ?? request.task.policy.ignoreResult)) return;
    const result = encoded({ exc_type: 'Retry', exc_message: [reason.message], exc_module: 'celery.exceptions' });
    const store = async (): Promise<void> => env.backend.save(await metaOf(request.received, { status: 'RETRY', result, children: [] }, env));
    this.track(store());
  }
}

/** Again where the store could not be asked; an error that would come again must not run the task for ever. */
function unrecordedVerdict({ acksLate, isSettled }: Request, error: unknown): Verdict | undefined {
  if (!acksLate || isSettled) return undefined;
  return isUnreachable(error) ? 'requeue' : 'dead';
}

const revokedFields = ({ reason, signal }: Extract<Outcome, { state: 'REVOKED' }>) => ({
  terminated: reason === 'terminated',
  signal: signal ?? null,
  expired: reason === 'expired',
});
