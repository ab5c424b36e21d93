import { forgetMemoryBackend } from '../backends/registry.ts';
import { Celery } from '../app/celery.ts';
import type { Core } from '../app/app-core.ts';
import type { AppOptions } from '../app/app-options.ts';
import { coreOf } from '../app/core.ts';
import type { PublishCall } from '../app/middleware.ts';
import { sharing } from '../app/sharing.ts';
import type { RemoteTask } from '../app/task-types.ts';
import type { List } from '../canvas/sendable.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { durationMs, type Duration } from '../kernel/duration.ts';
import { newId } from '../kernel/ids.ts';
import { forgetMemoryBroker } from '../transports/registry.ts';
import { Worker, type WorkerOptions } from '../worker/worker.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

/** A call that left, as a test looks at it. */
export interface EnqueuedCall<A extends List = List> {
  readonly name: string;
  readonly id: string;
  readonly args: A;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Where it went: the routing key, which is the queue's name where nobody made another binding. */
  readonly queue: string;
  readonly retries: number;
  /** When it is due; null: at once. */
  readonly eta: Date | null;
}

/** Time of a test: it stands still until it is told to move. */
export interface TestClock {
  readonly now: Date;
  /** Whatever is due on the way (countdowns, retries, expiry, time limits) happens in order, each at its own time. */
  advance(by: Duration): Promise<void>;
  set(to: Date): Promise<void>;
}

export interface TestAppOptions extends AppOptions {
  /** The app under test: until the test app is closed, its own tasks and handles use the test's broker, store and clock. */
  readonly from?: Celery;
  /** What time it is in the beginning. Default: 2026-01-01, UTC. */
  readonly now?: Date;
}

/** An app whose broker and result store are this process's memory, and whose time is the test's. Close it when the test is over. */
export function createTestApp(options: TestAppOptions = {}): TestApp {
  const { from, now, broker: _broker, backend: _backend, namespace, strictTyping, taskCls, log, ...settings } = options;
  const given = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(strictTyping === undefined ? {} : { strictTyping }),
    ...(taskCls === undefined ? {} : { taskCls }),
    ...(log === undefined ? {} : { log }),
  };
  const core = coreOf(from ?? new Celery('test', given)) as Core;
  return new TestApp(core, settings, createFakeClock(now?.getTime()));
}

/** Starts a worker in this process. That of a test app runs with the test's time. */
export async function startTestWorker(app: Celery, options: WorkerOptions = {}): Promise<Worker> {
  const worker = new Worker(app, options);
  if (app instanceof TestApp) app.employ(worker);
  return worker.start();
}

/** Made by `createTestApp`. */
export class TestApp extends Celery {
  readonly clock: TestClock;
  readonly #core: Core;
  readonly #name = `test-${newId()}`;
  readonly #borrowed: AsyncDisposable;
  readonly #calls: EnqueuedCall[] = [];
  readonly #workers: Worker[] = [];
  readonly #listening: readonly Disposable[];
  readonly #count: NonNullable<Core['middlewares']['executing'][number]>;
  readonly #note: NonNullable<Core['middlewares']['publishing'][number]>;
  #running = 0;
  #ran = 0;
  #closed: Promise<void> | undefined;

  constructor(core: Core, settings: Readonly<Record<string, unknown>>, clock: FakeClock) {
    super(core.main, sharing(core, {}));
    this.#core = core;
    if (borrowers.has(core)) throw new ImproperlyConfigured(`a test app has borrowed ${core.main} already: close that one first, await testApp.close()`);
    borrowers.add(core);
    const url = `memory://${this.#name}`;
    this.#borrowed = core.borrow({ clock, settings: { ...settings, brokerUrl: url, brokerReadUrl: url, brokerWriteUrl: url, resultBackend: url } });
    const unsent = new Map<string, PublishCall>();
    this.#note = (call, next) => {
      unsent.set(String(call.headers['id']), call);
      return next();
    };
    this.#count = async (_, next) => {
      this.#running += 1;
      try {
        return await next();
      } finally {
        this.#running -= 1;
        this.#ran += 1;
      }
    };
    core.middlewares.publishing.push(this.#note);
    core.middlewares.executing.push(this.#count);
    const sent = this.on('afterTaskPublish', ({ task, routingKey, headers }) => {
      const id = String(headers['id']);
      const call = unsent.get(id);
      unsent.delete(id);
      if (call !== undefined) this.#calls.push(enqueuedCall(task, id, call, routingKey));
    });
    this.#listening = [sent];
    this.clock = testClock(clock);
  }

  /** Runs everything that is due, and what that starts, with a worker of its own where none was started; tells how many tasks ran. */
  async drain(): Promise<number> {
    const before = this.#ran;
    await this.#quiet();
    if (this.#workers.length > 0) return this.#ran - before;
    const worker = await startTestWorker(this);
    await this.#quiet();
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    await worker.stop();
    return this.#ran - before;
  }

  /** The calls that have left so far, in order: of one task, or all. */
  enqueued<A extends List = List>(task?: RemoteTask<A, unknown>): readonly EnqueuedCall<A>[] {
    return this.#calls.filter((call) => task === undefined || call.name === task.name) as unknown as readonly EnqueuedCall<A>[];
  }

  /** A worker that ends with the app. */
  employ(worker: Worker): void {
    this.#workers.push(worker);
  }

  /** Ends its workers, forgets messages and results, and gives the app under test back its own broker, store and clock. */
  override close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    for (const listening of this.#listening) listening[Symbol.dispose]();
    const { publishing, executing } = this.#core.middlewares;
    publishing.splice(publishing.indexOf(this.#note), 1);
    executing.splice(executing.indexOf(this.#count), 1);
    await this.#borrowed[Symbol.asyncDispose]();
    borrowers.delete(this.#core);
    await forgetMemoryBroker(this.#name);
    await forgetMemoryBackend(this.#name);
  }

  /** Until nothing runs, and nothing has moved for some turns of the event loop. Tasks that wait for the world (a real timer, a server) are waited for. */
  async #quiet(): Promise<void> {
    for (let still = 0, last = -1; still < QUIET_TURNS;) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = this.#ran + this.#calls.length;
      still = this.#running === 0 && now === last ? still + 1 : 0;
      last = now;
    }
  }
}

/** Apps under test: two tests at a time would see each other's calls. */
const borrowers = new WeakSet<Core>();

/** More than any step of a worker takes between two things that can be seen from here. */
const QUIET_TURNS = 50;

function enqueuedCall(name: string, id: string, call: PublishCall, queue: string): EnqueuedCall {
  const { retries, eta } = call.headers;
  return { name, id, args: call.args, kwargs: call.kwargs, queue, retries: Number(retries ?? 0), eta: typeof eta === 'string' ? new Date(eta) : null };
}

function testClock(clock: FakeClock): TestClock {
  const advance = async (ms: number): Promise<void> => {
    if (!(ms >= 0)) throw new RangeError('time goes forward only: a duration of zero or more was expected');
    await clock.advance(ms);
  };
  return {
    get now() {
      return new Date(clock.now());
    },
    advance: async (by) => advance(durationMs(by) ?? Number.NaN),
    set: async (to) => advance(to.getTime() - clock.now()),
  };
}
