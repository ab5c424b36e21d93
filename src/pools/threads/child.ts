import { parentPort, threadId, workerData } from 'node:worker_threads';
import { getHeapStatistics } from 'node:v8';
import type { ToChild } from '../ipc.ts';
import type { ChildConfig } from '../child/port.ts';
import { startChild } from '../child/start.ts';

/* The program that a thread of the threads pool runs. */

const { config, progress } = workerData as { readonly config: ChildConfig; readonly progress: SharedArrayBuffer };
const started = new Uint32Array(progress);
const port = parentPort!;

void startChild(
  {
    pid: process.pid,
    onBatch: (listener) => void port.on('message', (batch: readonly ToChild[]) => listener(batch)),
    send(batch, sent) {
      port.postMessage(batch);
      sent?.();
    },
    markStarted: (seq) => void Atomics.store(started, 0, seq),
    memoryKb: () => getHeapStatistics().total_heap_size / 1024,
    exit: (code) => process.exit(code),
  },
  { ...config, hostname: `${config.hostname}/${threadId}` },
);
