import { expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { chord, group } from '../../src/index.ts';
import { Worker } from '../../src/worker/worker.ts';

test('a chord whose part was purged fails when its time is over, and says which part', async () => {
  const url = `memory://${crypto.randomUUID()}`;
  const app = new Celery('proj', { broker: url, backend: url, log: silentLogger, resultChordExpires: '1s' });
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 2 });
  onTestFinished(async () => {
    await worker.stop({ mode: 'cold' });
    await app.close();
  });
  const add = app.task('proj.add', (x: number, y: number) => x + y);
  const sum = app.task('proj.sum', (all: number[]) => all.length);
  await worker.start();
  const result = await chord(group(add.s(1, 1), add.s(2, 2).set({ queue: 'nobody' })), sum.s()).delay();
  await expect(result.get({ timeout: 10 })).rejects.toThrow(/1 of the 2 parts of the header did not end in time.*number 2/);
});
