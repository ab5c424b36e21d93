import { writeSync } from 'node:fs';
import type { ToChild } from '../ipc.ts';
import type { ChildConfig } from '../child/port.ts';
import { startChild } from '../child/start.ts';
import { PROGRESS_FD } from './progress.ts';

/* The program that a process of the prefork pool runs. */

const progress = Buffer.alloc(4);

// Only the parent decides when a child ends: the terminal's signals go to the whole group.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
// The parent is gone: nobody would hear of what is still done here.
process.on('disconnect', () => process.exit(1));

void startChild(
  {
    pid: process.pid,
    onBatch: (listener) => void process.on('message', (batch) => listener(batch as readonly ToChild[])),
    send(batch, sent) {
      if (process.connected) process.send!(batch, undefined, undefined, sent === undefined ? undefined : () => sent());
    },
    markStarted(seq) {
      progress.writeUInt32LE(seq >>> 0);
      writeSync(PROGRESS_FD, progress, 0, 4, 0);
    },
    memoryKb: () => process.memoryUsage.rss() / 1024,
    exit: (code) => process.exit(code),
  },
  JSON.parse(process.argv[2]!) as ChildConfig,
);
