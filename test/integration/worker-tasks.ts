/* The app of `worker-program.ts`; children of prefork load it too. */
import { Celery } from '../../src/app/celery.ts';

const url = process.env['WORKER_TEST_URL']!;
export const app = new Celery('proj', { broker: url, backend: url, taskAcksLate: true });

app.task('proj.add', (x: number, y: number) => x + y);

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

/** Nothing but force ends it. */
app.task('proj.spin', { trackStarted: true }, () => {
  for (;;);
});

/** Ends its process the first time it is delivered. */
app.task('proj.die', { rejectOnWorkerLost: true }, function (): string {
  if (!this.request.deliveryInfo.redelivered) process.exit(3);
  return 'alive';
});

/** Leaves a promise behind that nobody waits for. */
app.task('proj.forget', () => {
  void Promise.reject(new Error('a forgotten promise'));
  return 'forgot';
});

/** Leaves a timer behind that throws. */
app.task('proj.explode', () => {
  setTimeout(() => {
    throw new Error('a timer that threw');
  }, 1);
  return 'lit';
});
