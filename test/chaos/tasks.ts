// The work of the chaos tests: each run writes a line when it starts and one when it ends, into a file of its process, and one for what it has published.
import { openSync, writeSync } from 'node:fs';
import { Celery, chain } from 'celeriac';

const url = process.env['CHAOS_BROKER']!;
export const app = new Celery('chaos', {
  broker: url,
  backend: process.env['CHAOS_BACKEND'] ?? url,
  taskAcksLate: true,
  taskRejectOnWorkerLost: true,
  brokerConnectionMaxRetries: 0,
  taskDefaultQueue: process.env['CHAOS_QUEUE'] ?? 'celery',
  taskDefaultQueueType: process.env['CHAOS_QUEUE_TYPE'] === 'quorum' ? 'quorum' : 'classic',
  // As long as a server may be away here: what a task publishes is then a promise, and its being lost a fault.
  taskPublishRetryPolicy: { maxRetries: 100, intervalStart: 0, intervalStep: '100ms', intervalMax: '200ms' },
});

const log = { file: undefined as number | undefined };
/** One write a line: what was written survives a SIGKILL of this process. */
function say(kind: 'S' | 'E' | 'P', id: string, redelivered = false): void {
  log.file ??= openSync(`${process.env['CHAOS_LOGS']}/${process.pid}.log`, 'a');
  writeSync(log.file, `${kind} ${id} ${Date.now()} ${redelivered ? 'redelivered' : 'new'}\n`);
}
const pause = async (ms: number): Promise<void> => void (ms > 0 && (await new Promise((resolve) => setTimeout(resolve, ms))));

export const work = app.task('chaos.work', { bind: true }, async (self, id: string, ms: number) => {
  say('S', id, self.request.deliveryInfo.redelivered);
  await pause(ms);
  say('E', id);
  return id;
});

/** Publishes one task and a chain of two; a name tells whose run a child is from. */
export const publishing = app.task('chaos.publishing', { bind: true }, async (self, id: string, ms: number) => {
  say('S', id, self.request.deliveryInfo.redelivered);
  await pause(ms);
  await work.delay(`${id}/child`, 0);
  say('P', `${id}/child`);
  await chain(work.s(`${id}/first`, 1), work.si(`${id}/first/second`, 0)).delay();
  say('P', `${id}/first`);
  say('P', `${id}/first/second`);
  say('E', id);
});
