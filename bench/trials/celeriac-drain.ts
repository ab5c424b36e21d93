// Draining a queue that was filled before: --pool=async|prefork|threads, --c=concurrency. With --filling=1 it is filled while being drained;
// with --caller=1 who filled it stays, and its results are sent to it (rpc://).
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'celeriac';
import { Redis } from 'ioredis';
import { answer, argument, measure, number, ranOnce } from './measure.ts';
import { app, counter, runs } from './tasks.ts';

const n = number('n', 50_000);
const pool = argument('pool', 'async');
const redisUrl = process.env['BENCH_REDIS'] ?? null;
const fill = [new URL('celeriac-fill.js', import.meta.url).pathname, `--n=${n}`];
const isFilling = argument('filling', '0') === '1';
const caller = argument('caller', '0') === '1' ? spawn(process.execPath, [...fill, '--stays=1'], { stdio: ['ignore', 'pipe', 'inherit'] }) : undefined;
if (caller !== undefined) await once(caller.stdout!, 'data');
else if (!isFilling && spawnSync(process.execPath, fill, { stdio: 'inherit' }).status !== 0) throw new Error('filling failed');

const worker = new Worker(app, {
  pool,
  concurrency: number('c', 100),
  loglevel: 'error',
  appModule: new URL('tasks.js', import.meta.url).href,
  withoutHeartbeat: true,
});
const isHere = pool === 'async' || pool === 'solo';
// Starting a worker is not draining, neither ours nor Celery's, nor is starting who fills the queue: the clock runs from the first tasks that ran
// (in children: that were stored) to the last.
if (isFilling) spawn(process.execPath, fill, { stdio: 'inherit' });
await worker.start();
const firstStored = isHere ? 0 : await stored(1);
if (isHere) await ran(Math.min(100, n));
const figures = await measure(n, redisUrl, async () => {
  const early = isHere ? counter.done : firstStored;
  const before = caller === undefined ? childrenCpuUs() : 0;
  await (isHere ? ran(n) : stored(n));
  return { early, extraCpuUs: caller === undefined ? childrenCpuUs() - before : 0 };
});
if (caller !== undefined) {
  const [code] = (await once(caller, 'exit')) as [number];
  if (code !== 0) throw new Error('the caller did not get its results');
}
await worker.stop();
if (isHere) ranOnce(runs.subarray(0, n));
answer(figures);

function ran(least: number): Promise<void> {
  return new Promise((resolve) => {
    if (counter.done >= least) resolve();
    else counter.onDone = (done) => done >= least && resolve();
  });
}

/** Children count for themselves: here the results in the store are counted. Resolves to how many there are when there are `least`. */
async function stored(least: number): Promise<number> {
  const backend = new Redis(process.env['BENCH_BACKEND']!);
  for (;;) {
    const count = await backend.dbsize();
    if (count >= least) return count;
    await new Promise((resolve) => setTimeout(resolve, least - count > 1000 ? 20 : 2));
  }
}

/** Processor time of this process's children so far, from /proc; 0 where there is none. */
function childrenCpuUs(): number {
  const { stdout } = spawnSync('sh', ['-c', `for p in $(ps -o pid= --ppid ${process.pid}); do cut -d' ' -f14,15 /proc/$p/stat 2>/dev/null; done`], {
    encoding: 'utf8',
  });
  return stdout
    .split(/\s+/)
    .filter(Boolean)
    .reduce((sum, ticks) => sum + Number(ticks) * 10_000, 0);
}
