/* The app of the children in `rpc.test.ts`. */
import { Celery } from '../../src/app/celery.ts';
import { chord } from '../../src/canvas/chord.ts';

export const app = new Celery('proj', { broker: process.env['RPC_TEST_URL']!, backend: 'rpc://', taskDefaultQueue: process.env['RPC_TEST_QUEUE']! });

export const add = app.task('proj.add', (x: number, y: number) => x + y);

app.task('proj.pid', () => process.pid);

app.task('proj.steps', async function () {
  await this.progress(1, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return process.pid;
});

app.task('proj.fails', () => {
  throw new RangeError('too far');
});

/** Asks another task, which runs in another child. */
app.task('proj.calls', async () => {
  const inner = await add.delay(2, 3);
  return inner.get({ timeout: 10, disableSyncSubtasks: false });
});

const sum = app.task('proj.sum', (values: readonly number[]) => values.reduce((all, one) => all + one, 0));
app.task('proj.chord', async () => {
  await chord([add.s(1, 1), add.s(2, 2)], sum.s()).delay();
});
