import { expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';

test.each([
  ['solo', /never wait for a result inside a task/],
  ['async', undefined],
] as const)('a task on the %s pool that waits for another', async (pool, refusal) => {
  const url = `memory://${crypto.randomUUID()}`;
  const app = new Celery('proj', { broker: url, backend: url, log: silentLogger });
  const worker = new Worker(app, { hostname: 'w1@box', pool });
  onTestFinished(async () => {
    await worker.stop({ mode: 'cold' });
    await app.close();
  });
  const add = app.task('proj.add', (x: number, y: number) => x + y);
  const wait = app.task('proj.wait', async () => (await add.delay(1, 2)).get({ timeout: 3 }));
  await worker.start();
  const result = await wait.delay();
  if (refusal === undefined) expect(await result.get({ timeout: 5 })).toBe(3);
  else await expect(result.get({ timeout: 5 })).rejects.toThrow(refusal);
});
