/* A program with one worker, as the command line makes it: `worker-program.ts <broker url> <pool>`. It says what it does, a line each. */
import { Celery } from '../../src/app/celery.ts';
import { Worker } from '../../src/worker/worker.ts';

const [broker, pool] = process.argv.slice(2) as [string, string];
export const app = new Celery('proj', { broker, backend: broker, taskAcksLate: true });

app.task('proj.sleep', async function (seconds: number) {
  console.log('running');
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    this.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(this.signal.reason as Error);
    });
  });
  return 'slept';
});

const worker = new Worker(app, { hostname: 'w1@box', pool, concurrency: 2, loglevel: 'info', handleSignals: true, appModule: import.meta.url });
await worker.start();
console.log('ready');
await worker.closed;
await app.close();
console.log('closed');
