// What Redis and a client allow at best: --do=enqueue (LPUSH of 500 values) and drain (RPOP of 200, delete).
import { Redis } from 'ioredis';
import { answer, argument, measure, number } from './measure.ts';

const n = number('n', 100_000);
const redis = new Redis(process.env['BENCH_BROKER']!);
const envelope = JSON.stringify({
  body: 'x'.repeat(100),
  'content-encoding': 'utf-8',
  'content-type': 'application/json',
  headers: { filler: 'h'.repeat(500) },
  properties: { filler: 'p'.repeat(200) },
});
const batch = Array.from({ length: 500 }, () => envelope);
const fill = async (): Promise<void> => {
  for (let i = 0; i < n; i += 500) await redis.lpush('raw', ...batch);
};
if (argument('do', 'drain') === 'enqueue') answer(await measure(n, process.env['BENCH_REDIS']!, fill));
await fill();
answer(
  await measure(n, process.env['BENCH_REDIS']!, async () => {
    for (;;) {
      const taken = (await redis.rpop('raw', 200)) as string[] | null;
      if (taken === null) return;
      for (const text of taken) JSON.parse(text);
    }
  }),
);
