import type { AppCore } from '../app/core.ts';
import type { EventDispatcher } from '../events/dispatcher.ts';
import type { ExecutionEnv } from '../execution/env.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { TimerHeap } from '../kernel/timer-heap.ts';
import type { Consumer } from '../messaging/consumer.ts';
import type { BrokerLink } from '../messaging/link.ts';
import type { Pool } from '../pools/pool.ts';
import type { LeaseWatch } from '../transports/transport.ts';
import type { ReceivedTask, TaskBody } from '../protocol/task-message.ts';
import type { SignalTable, TaskEvent } from '../signals.ts';
import { Counters } from './counters.ts';
import type { CompiledOptions } from './options.ts';
import { Prefetch } from './prefetch.ts';
import { RateLimits } from './rate-limits.ts';
import type { Limits, Request } from './request.ts';
import { Reservations } from './reservations.ts';
import { Revoked } from './revoked.ts';

/** So many results may wait for the store before no more tasks are taken (decisions.md 33). */
const MAX_FINISHING = 10_000;

/** Signals about a task that the worker gives itself; the others come from where the task runs. */
type TaskSignal = 'taskReceived' | 'taskRevoked';

/** A worker's state: what its services, its hot path and its remote commands share. No globals: two workers in one process never notice each other. */
export class WorkerContext {
  readonly core: AppCore;
  readonly options: CompiledOptions;
  readonly hostname: string;
  readonly startedAtMs: number;
  readonly timers: TimerHeap;
  readonly revoked: Revoked;
  readonly counters = new Counters();
  readonly reservations = new Reservations();
  readonly prefetch: Prefetch;
  readonly rateLimits: RateLimits<Request>;
  /** Time limits that remote control has set, by task name. */
  readonly timeLimits = new Map<string, Limits>();
  /** Made by the services as they start, in this order. */
  env!: ExecutionEnv;
  pool!: Pool;
  link!: BrokerLink;
  events!: EventDispatcher;
  consumer: Consumer | undefined;
  lease: LeaseWatch | undefined;
  /** Aborts when the worker gives up waiting for the result store. */
  readonly stopped: AbortSignal;
  /** False from the moment in which a stop begins: nothing new starts. */
  isTaking = false;
  #isWindowPlanned = false;
  #isCertain: boolean | undefined;

  constructor(core: AppCore, options: CompiledOptions, given: { readonly stopped: AbortSignal; readonly onToken: (request: Request) => void }) {
    this.core = core;
    this.options = options;
    this.hostname = options.hostname;
    this.stopped = given.stopped;
    this.startedAtMs = core.clock.monotonic();
    this.timers = new TimerHeap(core.clock);
    this.revoked = new Revoked(core.clock);
    this.prefetch = new Prefetch({ multiplier: options.prefetchMultiplier, etaLimit: options.etaLimit, isAhead: options.takesAhead });
    this.rateLimits = new RateLimits({ clock: core.clock, timers: this.timers, onToken: given.onToken });
  }

  get clock(): Clock {
    return this.core.clock;
  }

  get log(): Logger {
    return this.core.log;
  }

  /** Tells listeners to a signal about a task; they alone cost anything. A promise while its body, which they are shown, takes time to decode. */
  emitTask<S extends TaskSignal>(signal: S, received: ReceivedTask, more: Omit<SignalTable[S], keyof TaskEvent>): void | Promise<void> {
    const { signals } = this.core;
    if (!signals.has(signal)) return undefined;
    const { id, task } = received.headers;
    const emit = (body: TaskBody): void => {
      const event = { taskId: id, task, request: this.core.requestOf(received, body), ...more };
      void signals.emit(signal, event as unknown as SignalTable[S], task);
    };
    const failed = (error: unknown): void => this.log.error(`the signal ${signal} could not be given for task ${task}[${id}]`, { error });
    try {
      const body = received.body();
      return body instanceof Promise ? body.then(emit).catch(failed) : emit(body);
    } catch (error) {
      return failed(error);
    }
  }

  /** Lets the broker know, once a tick, how many messages we want. */
  planWindow(): void {
    if (this.#isWindowPlanned) return;
    this.#isWindowPlanned = true;
    setImmediate(() => {
      this.#isWindowPlanned = false;
      this.#isCertain = undefined;
      this.applyWindow();
    });
  }

  /** Whether what we hold is still ours; asked of the lease once a tick. To be called after `planWindow`, which ends the tick. */
  isCertain(): boolean {
    return (this.#isCertain ??= this.lease?.isCertain ?? true);
  }

  applyWindow(): void {
    this.consumer?.setPrefetch(this.window(), this.prefetch.limit(this.pool.slots));
  }

  /** How many messages the present channel may hold. */
  window(): number {
    const { pool, reservations } = this;
    if (!this.isTaking || reservations.count('finishing') >= MAX_FINISHING) return 0;
    return Math.max(0, this.prefetch.window(reservations.inHand(pool.room), pool.slots) - reservations.olderHeld);
  }
}
