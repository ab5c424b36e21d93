import { expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { control } from '../../src/control/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';

function setUp() {
  const url = `memory://${crypto.randomUUID()}`;
  const app = new Celery('proj', { broker: url, backend: url, log: silentLogger });
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 2 });
  onTestFinished(async () => {
    await worker.stop({ mode: 'cold' });
    await app.close();
  });
  return { app, worker };
}

test('listeners hear of the life of a worker, in order', async () => {
  const { app, worker } = setUp();
  const heard: string[] = [];
  for (const name of ['celeryInit', 'celeryAfterSetup', 'workerInit', 'workerReady', 'workerShuttingDown', 'workerShutdown'] as const)
    app.on(name, () => void heard.push(name));
  await worker.start();
  await worker.stop();
  expect(heard).toEqual(['celeryInit', 'celeryAfterSetup', 'workerInit', 'workerReady', 'workerShuttingDown', 'workerShutdown']);
});

test('listeners hear what is received, revoked and unknown, with its request', async () => {
  const { app, worker } = setUp();
  const heard: unknown[] = [];
  app.on('taskReceived', ({ task, request }) => void heard.push(['received', task, request.args]));
  app.on('taskRevoked', ({ taskId, expired, terminated }) => void heard.push(['revoked', taskId, expired, terminated]));
  app.on('taskUnknown', ({ name }) => void heard.push(['unknown', name]));
  const add = app.task('proj.add', (x: number, y: number) => x + y);
  await worker.start();
  await (await add.delay(1, 2)).get({ timeout: 10 });
  await app.sendTask('proj.nowhere', []);
  const later = await add.applyAsync([1, 1], { countdown: '200ms' });
  await control(app).revoke(later.id, { wait: true, destination: ['w1@box'], timeout: 5 });
  await expect
    .poll(() => heard)
    .toEqual([
      ['received', 'proj.add', [1, 2]],
      ['unknown', 'proj.nowhere'],
      ['revoked', later.id, false, false],
    ]);
});

test.each([
  ['at once', {}],
  ['after some time', { compression: 'zstd' }],
] as const)('a task is received, then started, then done, for listeners too: its body is decoded %s', async (_, options) => {
  const { app, worker } = setUp();
  const heard: string[] = [];
  for (const name of ['taskReceived', 'taskPrerun', 'taskSuccess'] as const) app.on(name, () => void heard.push(name));
  const sync = app.task('proj.sync', options, () => void heard.push('runs'));
  await worker.start();
  await (await sync.delay()).get({ timeout: 10 });
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['taskReceived', 'taskPrerun', 'runs', 'taskSuccess']);
});
