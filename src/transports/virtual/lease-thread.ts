import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { systemClock } from '../../kernel/clock.ts';
import type { ConnectOptions } from '../transport.ts';
import { leaseTimes } from './lease-times.ts';

/** Renews a lease while the event loop of this process is blocked by user code. */
export interface LeaseThread extends AsyncDisposable {
  /** To be told of each renewal by the main loop: it is also the sign that the loop turns. */
  renewed(): void;
  onLost(listener: () => void): void;
  onError(listener: (error: Error) => void): void;
}

/** What renews a lease: a store, or less than one. */
export interface LeaseHolder extends AsyncDisposable {
  /** As a store's `renew`. */
  renew(leaseMs: number): Promise<boolean>;
}

/** Opens in the lease thread what renews there. What its module loads counts once more in every worker's memory, so it should be little. */
export interface LeaseDriver {
  /** `import.meta.url` of the module that exports this as `lease`. */
  readonly module: string;
  open(options: ConnectOptions): Promise<LeaseHolder>;
}

/** What the thread is started with; the rest of ConnectOptions cannot cross. */
export interface LeaseThreadData {
  readonly module: string;
  readonly url: string;
  readonly options: Omit<ConnectOptions, 'url' | 'clock' | 'log' | 'signal'>;
  /** Two 64-bit milliseconds since the epoch: the last turn of the main loop, and its last renewal. */
  readonly signs: SharedArrayBuffer;
}

export type LeaseThreadReport = { readonly kind: 'lost' } | { readonly kind: 'error'; readonly message: string };

export function openLeaseThread(module: string, options: ConnectOptions): LeaseThread {
  const { url, clock: _clock, log: _log, signal: _signal, ...rest } = options;
  const signs = new SharedArrayBuffer(16);
  const times = new BigInt64Array(signs);
  const mark = (index: number): void => void Atomics.store(times, index, BigInt(Math.trunc(systemClock.now())));
  mark(0);
  mark(1);

  const data: LeaseThreadData = { module, url: url.href, options: rest, signs };
  const thread = startThread({
    workerData: data,
    name: 'celeriac-lease',
    // It does next to nothing: young objects get as little room as there is, since each thread's heap counts in the worker's memory.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 1 },
  });
  thread.unref();

  // The loop shows several times a renewal that it turns.
  const { renewMs } = leaseTimes(options.transportOptions);
  const beat = (): void => {
    mark(0);
    timer = systemClock.schedule(renewMs / 2, beat);
  };
  let timer = systemClock.schedule(renewMs / 2, beat);

  const lostListeners: (() => void)[] = [];
  const errorListeners: ((error: Error) => void)[] = [];
  thread.on('message', (report: LeaseThreadReport) => {
    if (report.kind === 'lost') for (const listener of lostListeners) listener();
    else for (const listener of errorListeners) listener(new Error(report.message));
  });
  thread.on('error', (error: Error) => {
    for (const listener of errorListeners) listener(new Error(`the lease thread has ended: ${error.message}`, { cause: error }));
  });

  return {
    renewed: () => mark(1),
    onLost: (listener) => void lostListeners.push(listener),
    onError: (listener) => void errorListeners.push(listener),
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      await thread.terminate();
    },
  };
}

/** Built, the thread is JavaScript beside us. From sources (our own tests) it must first be taught TypeScript: `--import tsx` does nothing in a thread on Node 20. */
function startThread(options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./lease-thread-main.js', import.meta.url), options);
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = JSON.stringify(new URL('./dist/esm/api/index.mjs', tsx).href);
  const main = JSON.stringify(new URL('./lease-thread-main.ts', import.meta.url).href);
  return new Worker(`import(${loader}).then(({ register }) => { register(); return import(${main}); });`, { ...options, eval: true });
}
