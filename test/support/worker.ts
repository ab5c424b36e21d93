import type { AppCore, RegisteredTask } from '../../src/app/core.ts';
import type { ResultBackend } from '../../src/backends/backend.ts';
import { EventDispatcher } from '../../src/events/dispatcher.ts';
import type { ExecutionEnv } from '../../src/execution/env.ts';
import type { Outcome } from '../../src/execution/outcome.ts';
import type { TaskPolicy } from '../../src/execution/policy.ts';
import { Emitter } from '../../src/kernel/emitter.ts';
import { LamportClock } from '../../src/kernel/lamport-clock.ts';
import { createLogger } from '../../src/kernel/logger.ts';
import type { Job, Pool } from '../../src/pools/pool.ts';
import { encodeTaskBody, fillHeaders } from '../../src/protocol/task-message.ts';
import type { TaskHeaders } from '../../src/protocol/task-message.ts';
import type { ResultMeta } from '../../src/protocol/result-meta.ts';
import { createSerializerRegistry } from '../../src/serialization/index.ts';
import { createSignals } from '../../src/signals.ts';
import { createFakeClock } from '../../src/testing/fake-clock.ts';
import type { Delivery, Verdict } from '../../src/transports/transport.ts';
import { WorkerContext } from '../../src/worker/context.ts';
import { Intake } from '../../src/worker/intake.ts';
import type { CompiledOptions } from '../../src/worker/options.ts';
import { Runner } from '../../src/worker/runner.ts';

/* A worker's hot path between a broker, a pool and a store that do what a test says. Tests only. */

const policy: TaskPolicy = {
  ...{ acksLate: false, acksOnFailure: true, acksOnTimeout: true, rejectOnWorkerLost: false, retryOnWorkerLost: false },
  ...{ ignoreResult: false, storeErrorsEvenIfIgnored: false, trackStarted: false, sendEvents: true, timeLimitMs: null, softTimeLimitMs: null },
  ...{ ratePerSecond: null, maxRetries: 3, defaultRetryDelayMs: 180_000, autoretry: null, resultReprMaxsize: 1024, throwsExpected: () => false },
};

const options: CompiledOptions = {
  ...{ hostname: 'w1@box', pool: 'async', concurrency: 2, appModule: undefined, maxTasksPerChild: null, maxMemoryPerChildKb: null },
  ...{ prefetchMultiplier: 4, takesAhead: true, etaLimit: 3, limitsRates: true, deduplicates: false, accept: ['json'], maxBytes: 1e6 },
  ...{ taskEvents: false, heartbeats: false, mingles: false, remoteControl: false, hasTimeLimits: false, timeLimitMs: null, softTimeLimitMs: null },
  ...{ softShutdownMs: 0, softShutdownOnIdle: false, purge: false, queues: [], excludeQueues: [], include: [], services: [] },
};

/** A pool whose tasks start and end when the test says. */
export class HandPool implements Pool {
  readonly name = 'pool';
  readonly isolation = 'none';
  readonly jobs = new Map<string, Job>();
  readonly killed: string[] = [];
  readonly afters: string[] = [];
  readonly #room = new Emitter<void>();
  size: number;

  constructor(size: number) {
    this.size = size;
  }
  get slots(): number {
    return this.size;
  }
  get room(): number {
    return this.size - this.jobs.size;
  }
  onRoom(listener: () => void): Disposable {
    return this.#room.on(listener);
  }
  start = (): Promise<void> => Promise.resolve();
  stop = (): Promise<void> => Promise.resolve();
  run(job: Job): void {
    this.jobs.set(job.received.headers.id, job);
  }
  begin(id: string): void {
    this.jobs.get(id)!.onStarted(99, 0);
  }
  end(id: string, outcome: Partial<Outcome> & { readonly state: Outcome['state'] }): void {
    const job = this.jobs.get(id)!;
    this.jobs.delete(id);
    job.onEnded({ runtimeMs: 1, children: [], endsHere: true, valueJson: '4', ...outcome } as Outcome);
  }
  after(job: Job): Promise<void> {
    this.afters.push(job.received.headers.id);
    return Promise.resolve();
  }
  resize = (): Promise<void> => Promise.resolve();
  cancel(taskId: string): boolean {
    const job = this.jobs.get(taskId);
    this.jobs.delete(taskId);
    job?.onReturned();
    return job !== undefined;
  }
  kill(taskId: string): Promise<boolean> {
    this.killed.push(taskId);
    return Promise.resolve(true);
  }
}

export interface FixtureOptions {
  readonly policies?: Readonly<Record<string, Partial<TaskPolicy>>>;
  readonly options?: Partial<CompiledOptions>;
  readonly canPark?: boolean;
  /** Names of errbacks that run in process. */
  readonly errbacks?: readonly string[];
}

export function createFixture(given: FixtureOptions = {}) {
  const clock = createFakeClock();
  const lines: string[] = [];
  const log = createLogger({ clock, level: 'INFO', write: (line) => void lines.push(line), format: ({ level, message }) => `${level} ${message}` });
  const saved: ResultMeta[] = [];
  const stored = new Map<string, ResultMeta>();
  const backend = {
    capabilities: { pushes: false, expires: false, durable: true, chords: 'none' },
    save: (meta: ResultMeta) => {
      saved.push(meta);
      stored.set(meta.task_id, meta);
      return Promise.resolve();
    },
    load: (id: string) => Promise.resolve(stored.get(id)),
  } as unknown as ResultBackend;
  const tasks = new Map(
    Object.entries({ add: {}, ...given.policies }).map(([name, own]): [string, RegisteredTask] => [
      name,
      { name, policy: { ...policy, ...own }, options: {}, listensAfter: false, run: () => undefined, after: () => Promise.resolve() },
    ]),
  );
  const sent: string[] = [];
  const env: ExecutionEnv = {
    isErrback: (name) => given.errbacks?.includes(name) === true,
    ...{ clock, backend, hostname: 'w1@box', resultExtended: false, log },
    findTask: (name) => tasks.get(name),
    start: (signature) => {
      sent.push(signature.task);
      return Promise.resolve(null);
    },
  };
  const core = {
    ...{ clock, lamport: new LamportClock(), log, signals: createSignals(() => log), serializers: createSerializerRegistry(), settings: {} },
    tasks: { get: (name: string) => tasks.get(name), names: () => [...tasks.keys()] },
  } as unknown as AppCore;
  const context: WorkerContext = new WorkerContext(
    core,
    { ...options, ...given.options },
    {
      stopped: new AbortController().signal,
      onToken: (request) => runner.ready(request),
    },
  );
  const pool = new HandPool(context.options.concurrency);
  const runner = new Runner(context);
  const intake = new Intake(context, runner);
  const link = { transport: { capabilities: { broadcast: false } } } as never;
  const { lamport, serializers } = core;
  const events = new EventDispatcher({ link, clock, log, lamport, serializers, exchange: 'celeryev', serializer: 'json', hostname: 'w1@box', pid: 1 });
  Object.assign(context, { env, pool, events, isTaking: true });

  const verdicts: string[] = [];
  const deliver = (id: string, headers: Partial<TaskHeaders> = {}, change: Partial<Delivery> = {}, epoch?: number): void => {
    const text = encodeTaskBody({ args: [2, 2], kwargs: {}, embed: { callbacks: null, errbacks: null, chain: null, chord: null } });
    const message = {
      body: { text },
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      headers: fillHeaders({ task: 'add', id, ...headers }),
      properties: {},
    };
    const record = (what: string): Promise<void> => {
      verdicts.push(`${id} ${what}`);
      return Promise.resolve();
    };
    const delivery: Delivery = {
      ...{ message, queue: 'celery', exchange: '', routingKey: 'celery', redelivered: false },
      settle: (verdict: Verdict) => record(verdict),
      ...(given.canPark === true ? { park: (untilMs: number) => record(`parked for ${untilMs - clock.now()}`) } : {}),
      ...change,
    };
    intake.receive(delivery, epoch);
  };
  const inMs = (ms: number): string => new Date(clock.now() + ms).toISOString();
  /** Whatever is under way has had its turn. */
  const settled = (): Promise<void> => clock.advance(0);
  return { clock, context, deliver, env, inMs, lines, pool, runner, saved, sent, settled, stored, verdicts };
}
