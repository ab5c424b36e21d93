// The same work by BullMQ: --do=serial|inflight|bulk|drain|roundtrip.
import { spawnSync } from 'node:child_process';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { answer, argument, measure, number, percentile, ranOnce, WARM_UP } from './measure.ts';

const what = argument('do', 'serial');
const n = number('n', 20_000);
const redis = process.env['BENCH_REDIS']!;
const { hostname, port, pathname } = new URL(process.env['BENCH_BROKER']!);
const connection = { host: hostname, port: Number(port), db: Number(pathname.slice(1)) };
const queue = new Queue('bench', { connection });
const job = (i: number): { name: string; data: { x: number; y: number } } => ({ name: 'add', data: { x: 1, y: i } });

const enqueue: Record<string, (count: number) => Promise<void>> = {
  async serial(count) {
    for (let i = 0; i < count; i++) await queue.add('add', { x: 1, y: i });
  },
  async inflight(count) {
    let next = 0;
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (next < count) await queue.add('add', { x: 1, y: next++ });
      }),
    );
  },
  async bulk(count) {
    for (let i = 0; i < count; i += 1000) await queue.addBulk(Array.from({ length: Math.min(1000, count - i) }, (_, j) => job(i + j)));
  },
};

if (what in enqueue) {
  await enqueue[what]!(2000);
  answer(await measure(n, redis, () => enqueue[what]!(n)));
} else if (what === 'fill') {
  await enqueue['bulk']!(n);
  process.exit(0);
} else if (what === 'drain') {
  if (spawnSync(process.execPath, [new URL(import.meta.url).pathname, '--do=fill', `--n=${n}`], { stdio: 'inherit' }).status !== 0)
    throw new Error('filling failed');
  const runs = new Uint8Array(n);
  let done = 0;
  let onDone = (): void => undefined;
  const ran = (least: number): Promise<void> =>
    new Promise((resolve) => {
      onDone = () => done >= least && resolve();
      onDone();
    });
  const worker = new Worker(
    'bench',
    async ({ data }: { data: { x: number; y: number } }) => {
      runs[data.y]! += 1;
      return data.x + data.y;
    },
    { connection, concurrency: number('c', 100), autorun: false },
  );
  worker.on('completed', () => {
    done += 1;
    onDone();
  });
  void worker.run();
  // As in our trial: starting is not draining.
  await ran(Math.min(100, n));
  const figures = await measure(n, redis, async () => {
    const early = done;
    await ran(n);
    return { early };
  });
  ranOnce(runs);
  answer(figures);
} else {
  const worker = new Worker('bench', async ({ data }: { data: { x: number; y: number } }) => data.x + data.y, { connection, concurrency: 100 });
  const events = new QueueEvents('bench', { connection });
  await Promise.all([worker.waitUntilReady(), events.waitUntilReady()]);
  const times: number[] = [];
  const once = async (i: number): Promise<void> => {
    const started = performance.now();
    await (await queue.add('add', { x: 1, y: i })).waitUntilFinished(events);
    times.push(performance.now() - started);
  };
  for (let i = 0; i < WARM_UP; i++) await once(i);
  times.length = 0;
  answer(
    await measure(n, redis, async () => {
      for (let i = 0; i < n; i++) await once(i);
      return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
    }),
  );
}
