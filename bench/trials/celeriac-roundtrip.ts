// One task at a time, from delay() to get(); the worker is a process of its own.
import { spawn } from 'node:child_process';
import { answer, measure, number, percentile, WARM_UP } from './measure.ts';
import { add } from './tasks.ts';

const n = number('n', 1000);
const worker = spawn(
  process.execPath,
  [new URL('../../dist/cli/main.js', import.meta.url).pathname, '-A', new URL('tasks.js', import.meta.url).pathname, 'worker', '-l', 'error'],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
process.on('exit', () => worker.kill('SIGKILL'));
const times: number[] = [];
const once = async (i: number): Promise<void> => {
  const started = performance.now();
  if ((await (await add.delay(1, i)).get({ timeout: 10 })) !== i + 1) throw new Error('wrong result');
  times.push(performance.now() - started);
};
// The first of these waits for the worker to be there.
for (let i = 0; i < WARM_UP; i++) await once(i);
times.length = 0;
answer(
  await measure(n, process.env['BENCH_REDIS'] ?? null, async () => {
    for (let i = 0; i < n; i++) await once(i);
    return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
  }),
);
