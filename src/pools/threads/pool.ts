import { Worker } from 'node:worker_threads';
import { childConfig, entryBeside } from '../entry.ts';
import type { Channel, Spawn } from '../isolated/channel.ts';
import { IsolatedPool } from '../isolated/pool.ts';
import type { FromChild } from '../ipc.ts';
import type { PoolOptions } from '../options.ts';
import type { Pool } from '../pool.ts';

/** Threads: cheaper than processes, and ended like them; only one that is inside native code (`execSync`) cannot be. */
export function createThreadPool(options: PoolOptions): Pool {
  const config = childConfig(options, 'threads');
  const entry = entryBeside(import.meta.url, 'child');
  // `--import tsx` does nothing in a thread on Node 20: the loader must be registered inside it.
  const source = entry.tsx && `import(${JSON.stringify(entry.tsx.api)}).then(({ register }) => { register(); return import(${JSON.stringify(entry.url)}); });`;
  const spawn: Spawn = ({ onBatch, onGone }): Channel => {
    const progress = new SharedArrayBuffer(4);
    const started = new Uint32Array(progress);
    const init = { workerData: { config, progress }, stdin: false };
    const thread = source === undefined ? new Worker(new URL(entry.url), init) : new Worker(source, { ...init, eval: true });
    let failure: Error | undefined;
    thread.on('message', (batch: readonly FromChild[]) => onBatch(batch));
    thread.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    thread.on('exit', (code) => onGone(failure === undefined ? `exitcode ${code}` : `${failure.name}: ${failure.message}`));
    return {
      pid: process.pid,
      send: (batch) => thread.postMessage(batch),
      kill: () => void thread.terminate(),
      lastStarted: () => Atomics.load(started, 0),
      close: () => undefined,
    };
  };
  return new IsolatedPool('thread', options, spawn);
}
