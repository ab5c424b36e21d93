// The app that the celeriac trials run; children of the prefork pool load it too.
import { Celery } from 'celeriac';

export const app = new Celery('bench', {
  broker: process.env['BENCH_BROKER']!,
  backend: process.env['BENCH_BACKEND'] ?? 'disabled://',
  taskIgnoreResult: process.env['BENCH_NO_RESULT'] === '1',
  taskAcksLate: process.env['BENCH_ACKS_LATE'] === '1',
});

/** How often each index ran in this process; the drain trials look at it. */
export const runs = new Uint8Array(1_000_000);
export const counter = { done: 0, onDone: undefined as ((done: number) => void) | undefined };

export const add = app.task('bench.add', (x: number, y: number) => {
  runs[y]! += 1;
  counter.done += 1;
  counter.onDone?.(counter.done);
  return x + y;
});

export const sum = app.task('bench.sum', (numbers: number[]) => numbers.reduce((all, one) => all + one, 0));
