import { loadIncluded, loadModule } from '../app/autoload.ts';
import { coreOf } from '../app/core.ts';
import type { AppCore } from '../app/core.ts';
import type { Celery } from '../app/celery.ts';
import { unbuiltSettings } from '../config/report.ts';
import { ImproperlyConfigured, OperationalError } from '../errors.ts';
import { logStrayErrors } from '../execution/stray-errors.ts';
import { deferred } from '../kernel/deferred.ts';
import { durationMs } from '../kernel/duration.ts';
import type { Duration } from '../kernel/duration.ts';
import { createLogger, levelOf } from '../kernel/logger.ts';
import { inOrder, startAll, stopAll } from '../kernel/service.ts';
import type { Service } from '../kernel/service.ts';
import { createCommands } from './commands/index.ts';
import { WorkerContext } from './context.ts';
import { Intake } from './intake.ts';
import { compileOptions } from './options.ts';
import type { WorkerOptions } from './options.ts';
import { withDeadline } from './deadline.ts';
import { reconnect } from './reconnect.ts';
import { Runner } from './runner.ts';
import { dependentsOf, workerServices } from './services/index.ts';
import { drain } from './shutdown.ts';
import type { StopMode } from './shutdown.ts';
import { handleSignals } from './process-signals.ts';
import { workerStats } from './stats.ts';

export type { WorkerOptions } from './options.ts';
export type { StopMode } from './shutdown.ts';

export interface StopOptions {
  readonly mode?: StopMode | undefined;
  readonly timeout?: Duration | undefined;
  /** What brought it about, for listeners to `workerShuttingDown`. */
  readonly signal?: NodeJS.Signals | undefined;
}

/** How long services may take to stop once nothing runs any more. */
const SERVICES_MS = 10_000;

/** Takes tasks from the broker and runs them. Any number of workers may live in one process; they share nothing. */
export class Worker implements AsyncDisposable {
  /** The node's name in the cluster: `celery@host`. */
  readonly hostname: string;
  /** Settles when the worker has ended, whatever ended it; rejects only where it could not even start. */
  readonly closed: Promise<void>;
  readonly #core: AppCore;
  readonly #options: WorkerOptions;
  readonly #context: WorkerContext;
  readonly #runner: Runner;
  readonly #services: readonly Service[];
  readonly #closed = deferred<void>();
  /** Aborts when a stop begins, and when it becomes a cold one. */
  readonly #stopping = new AbortController();
  /** Before it really stops: for a start that waits for the broker. */
  readonly #stopAsked = new AbortController();
  readonly #cold = new AbortController();
  /** Aborts when nothing is waited for any more. */
  readonly #gaveUp = new AbortController();
  #coldTimer: Disposable | undefined;
  #started: Promise<this> | undefined;
  #stopped: Promise<void> | undefined;
  #reconnecting: Promise<void> = Promise.resolve();
  /** While it lives: in between it may hold no connection that does. */
  #hold: Disposable | undefined;

  constructor(app: Celery, options: WorkerOptions = {}) {
    this.#core = coreOf(app);
    this.#options = options;
    const compiled = compileOptions(options, this.#core.settings);
    this.hostname = compiled.hostname;
    this.closed = this.#closed.promise;
    this.#context = new WorkerContext(this.#core, compiled, { stopped: this.#gaveUp.signal, onToken: (request) => this.#runner.ready(request) });
    this.#runner = new Runner(this.#context);
    const intake = new Intake(this.#context, this.#runner);
    const commands = createCommands({ worker: this, context: this.#context, runner: this.#runner });
    this.#services = inOrder(
      workerServices({
        context: this.#context,
        runner: this.#runner,
        intake,
        stopAsked: this.#stopAsked.signal,
        onLost: () => this.#reconnect(),
        command: (method, args) => commands(method, args),
      }),
    );
  }

  /** Resolves when the worker accepts tasks. Rejects where it cannot: a wrong setting, a name in use. Waits for a broker that is not there yet. */
  start(): Promise<this> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /**
   * Ends it. Warm (default): takes no more, gives back what has not started, and waits for what runs. Soft: waits `workerSoftShutdownTimeout` for it.
   * Cold: aborts it and gives it back. After `timeout` a warm stop becomes a cold one; so does a second, colder call.
   */
  stop(options: StopOptions = {}): Promise<void> {
    const mode = options.mode ?? 'warm';
    const timeoutMs = durationMs(options.timeout);
    if (options.timeout !== undefined && timeoutMs === undefined)
      return Promise.reject(
        new ImproperlyConfigured(`timeout: seconds or a duration such as '10s' were expected, but it is ${JSON.stringify(options.timeout)}`),
      );
    const { softShutdownMs } = this.#context.options;
    if (mode === 'warm') {
      if (timeoutMs !== undefined) this.#coldAfter(timeoutMs);
    } else this.#coldAfter(mode === 'cold' && this.#stopped !== undefined ? 0 : softShutdownMs);
    this.#stopAsked.abort(new OperationalError('the worker was stopped before it could reach the broker'));
    this.#stopped ??= this.#stop(mode, options.signal ?? '');
    return this.#stopped;
  }

  /** Counters, pool and broker: what `inspect stats` shows, and `refused` and `ended` by kind. */
  stats(): Readonly<Record<string, unknown>> {
    return workerStats(this.#context, this.#services);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<this> {
    const { hostname } = this;
    this.#hold = this.#core.hold();
    const { signals, settings } = this.#core;
    try {
      this.#setLog();
      await this.#core.ready();
      await signals.emit('celeryInit', { hostname, conf: settings });
      await loadIncluded(this.#core.celery);
      for (const module of this.#context.options.include) await loadModule(module);
      await signals.emit('importModules', {});
      this.#selectQueues();
      await signals.emit('celeryAfterSetup', { hostname, worker: this }, hostname);
      await signals.emit('workerInit', { worker: this });
      this.#warnAboutUnbuilt();
      if (this.#options.handleSignals === true) this.#ownProcess();
      this.#context.isTaking = true;
      await startAll(this.#services);
      this.#core.setEventSink((type, fields) => this.#context.events.custom(type, fields));
      this.#core.log.info(`${hostname} ready.`);
      await signals.emit('workerReady', { worker: this });
      return this;
    } catch (error) {
      this.#context.isTaking = false;
      this.#stopping.abort(error);
      this.#stopped ??= Promise.resolve();
      this.#end();
      throw error;
    }
  }

  #setLog(): void {
    const { loglevel } = this.#options;
    if (loglevel === undefined) return;
    const level = levelOf(loglevel);
    if (level === undefined)
      throw new ImproperlyConfigured(`loglevel: DEBUG, INFO, WARNING, ERROR or CRITICAL was expected, but it is ${JSON.stringify(loglevel)}`);
    this.#core.setLog(createLogger({ clock: this.#core.clock, level, write: (line) => void process.stderr.write(`${line}\n`) }));
  }

  /** The process is this worker's: its signals, and what would end it. */
  #ownProcess(): void {
    const { log } = this.#core;
    handleSignals(this, log);
    const stray = logStrayErrors(log, { exceptions: true });
    const release = (): void => stray[Symbol.dispose]();
    this.closed.then(release, release);
  }

  #selectQueues(): void {
    const { queues, excludeQueues } = this.#context.options;
    if (queues.length > 0) this.#core.queues.select(queues);
    if (excludeQueues.length > 0) this.#core.queues.deselect(excludeQueues);
  }

  #warnAboutUnbuilt(): void {
    const options = (['beat', 'autoscale', 'statedb'] as const).filter((name) => this.#options[name] !== undefined && this.#options[name] !== false);
    if (options.length > 0) this.#core.log.warn(`these options of the worker are not built yet, and have no effect: ${options.join(', ')}`);
    const names = unbuiltSettings(this.#core.settings);
    if (names.length > 0) this.#core.log.warn(`these settings are set but not built yet, and have no effect: ${names.join(', ')}`);
  }

  /** One at a time: a loss during a restart makes that one fail, and it tries again. */
  #reconnect(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, link, log } = this.#context;
    const services = dependentsOf(this.#services, 'connection');
    this.#reconnecting = this.#reconnecting.then(() => reconnect({ link, services, clock, log, signal: this.#stopping.signal }));
  }

  #coldAfter(ms: number): void {
    this.#coldTimer?.[Symbol.dispose]();
    if (ms <= 0) this.#cold.abort(new Error('the worker shuts down cold'));
    else this.#coldTimer = this.#context.clock.schedule(ms, () => this.#cold.abort(new Error(`the worker shuts down, and ${ms} ms were not enough`)));
  }

  async #stop(mode: StopMode, signal: string): Promise<void> {
    const { clock, log } = this.#context;
    try {
      // A start under way is waited for: half a worker cannot be stopped in order.
      await this.#started?.catch(() => undefined);
      if (this.#started === undefined || this.#stopping.signal.aborted) return;
      this.#stopping.abort(new Error('the worker stops'));
      log.info(`worker: ${mode === 'warm' ? 'Warm' : mode === 'soft' ? 'Soft' : 'Cold'} shutdown (${this.hostname})`);
      await this.#core.signals.emit('workerShuttingDown', { hostname: this.hostname, signal, how: mode });
      await this.#reconnecting;
      await drain({ context: this.#context, runner: this.#runner, cold: this.#cold.signal });
      this.#gaveUp.abort(new Error('the worker has stopped'));
      if (this.#cold.signal.aborted) await stopAll(this.#services, this.#cold.signal);
      else await withDeadline(clock, SERVICES_MS, (late) => stopAll(this.#services, late));
      await this.#core.signals.emit('workerShutdown', { worker: this });
    } catch (error) {
      log.error('the worker could not stop in order', { error });
    } finally {
      this.#core.setEventSink(undefined);
      this.#coldTimer?.[Symbol.dispose]();
      this.#end();
    }
  }

  #end(): void {
    this.#hold?.[Symbol.dispose]();
    this.#closed.resolve();
  }
}
