import { expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';

/** An app with a worker of it, and a task that goes on saying how far it is, whatever becomes of it. */
async function started() {
  const url = `memory://${crypto.randomUUID()}`;
  const app = new Celery('proj', { broker: url, backend: url, log: silentLogger });
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 2 });
  let said = 0;
  let isOver = false;
  onTestFinished(async () => {
    isOver = true;
    await worker.stop({ mode: 'cold' });
    await app.close();
  });
  const stubborn = app.task('proj.stubborn', { bind: true }, async (self) => {
    while (!isOver) {
      await self.progress((said += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  await worker.start();
  /** The task has spoken `times` more since now. */
  const speaks = async (times: number): Promise<void> => {
    const before = said;
    await expect.poll(() => said, { timeout: 10_000 }).toBeGreaterThanOrEqual(before + times);
  };
  return { app, stubborn, speaks };
}

test('what a run says of its state after its time limit does not come over its end', async () => {
  const { app, stubborn, speaks } = await started();
  const result = await stubborn.applyAsync([], { timeLimit: 0.1 });
  await expect(result.get({ timeout: 10 })).rejects.toThrow();
  await speaks(5);
  expect(await app.AsyncResult(result.id).state()).toBe('FAILURE');
});

test('nor after it was terminated', async () => {
  const { app, stubborn, speaks } = await started();
  const result = await stubborn.delay();
  await speaks(1);
  await result.revoke({ terminate: true });
  await expect(result.get({ timeout: 10 })).rejects.toThrow();
  await speaks(5);
  expect(await app.AsyncResult(result.id).state()).toBe('REVOKED');
});
