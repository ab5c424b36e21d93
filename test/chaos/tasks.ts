// The work of the chaos tests: each run writes a line when it starts and one when it ends, into a file of its process.
import { openSync, writeSync } from 'node:fs';
import { Celery } from 'celeriac';

const url = process.env['CHAOS_BROKER']!;
export const app = new Celery('chaos', {
  broker: url,
  backend: process.env['CHAOS_BACKEND'] ?? url,
  taskAcksLate: true,
  taskRejectOnWorkerLost: true,
  brokerConnectionMaxRetries: 0,
});

const log = { file: undefined as number | undefined };
/** One write a line: what was written survives a SIGKILL of this process. */
const say = (kind: 'S' | 'E', id: string): void => {
  log.file ??= openSync(`${process.env['CHAOS_LOGS']}/${process.pid}.log`, 'a');
  writeSync(log.file, `${kind} ${id} ${Date.now()}\n`);
};

export const work = app.task('chaos.work', async (id: string, ms: number) => {
  say('S', id);
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  say('E', id);
  return id;
});
