import { expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { fillHeaders } from '../../src/protocol/task-message.ts';
import { textOf } from '../../src/serialization/body.ts';
import { Worker } from '../../src/worker/worker.ts';

const EMBED = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}';

/** Sends a body as Python writes it to a task that retries on a queue of which nobody takes; gives the text of the next attempt. */
async function retried(task: string, body: string): Promise<string> {
  const url = `memory://${crypto.randomUUID()}`;
  const app = new Celery('proj', { broker: url, backend: url, log: silentLogger });
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 2 });
  const core = coreOf(app);
  const link = await core.openLink('test');
  onTestFinished(async () => {
    await link.close();
    await worker.stop({ mode: 'cold' });
    await app.close();
  });
  app.task('proj.again', { params: ['x', 'y', 'rate'] }, function (_x: number, _y: number, _rate: number): void {
    throw this.retry({ queue: 'later', countdown: 0 });
  });
  app.task('proj.changed', { params: ['list', 'y', 'rate'] }, function (list: number[], _y: number, _rate: number): void {
    list.push(4);
    throw this.retry({ queue: 'later', countdown: 0 });
  });
  await worker.start();
  const base64 = Buffer.from(body).toString('base64');
  const headers = fillHeaders({ task, id: crypto.randomUUID() });
  const declare = core.queues.declaration('celery');
  await core.publish([
    {
      message: { body: { base64 }, contentType: 'application/json', contentEncoding: 'utf-8', headers, properties: {} },
      ...{ exchange: '', routingKey: 'celery', options: {}, declare, retryPolicy: null },
    },
  ]);
  const channel = await (await link.connection()).openChannel();
  await channel.declareQueue(core.queues.declaration('later').queue!);
  const later: string[] = [];
  await channel.consume('later', ({ message }) => void later.push(textOf(message.body, 'utf-8')));
  await expect.poll(() => later).toHaveLength(1);
  return later[0]!;
}

test('floats from Python survive a retry', async () => {
  expect(await retried('proj.again', `[[1.0, 2], {"rate": 1e3}, ${EMBED}]`)).toMatch(/^\[\[1\.0, 2\],\{"rate": 1e3\},/);
});

test('changed arguments are written anew, the others are kept', async () => {
  expect(await retried('proj.changed', `[[[1, 2], 5.0], {"rate": 1.0}, ${EMBED}]`)).toMatch(/^\[\[\[1,2,4\],5\],\{"rate": 1\.0\},/);
});
