// Tasks of the workflows that are killed in the middle. Each takes a moment, so that a kill finds some of them running; a killed one runs again (late acks).
import { Celery } from 'celeriac';

export const app = new Celery('workflows', {
  broker: process.env['CHAOS_BROKER']!,
  backend: process.env['CHAOS_BACKEND']!,
  taskAcksLate: true,
  taskRejectOnWorkerLost: true,
  taskDefaultQueue: process.env['CHAOS_QUEUE']!,
});

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));

export const add = app.task('workflows.add', async (x: number, y: number) => {
  await moment();
  return x + y;
});
export const sum = app.task('workflows.sum', async (numbers: number[]) => {
  await moment();
  return numbers.reduce((all, one) => all + one, 0);
});
export const fail = app.task('workflows.fail', async (x: number): Promise<number> => {
  await moment();
  throw new TypeError(`not ${x}`);
});
