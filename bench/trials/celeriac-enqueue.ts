// Enqueueing: --mode=serial (each awaited), inflight (50 at a time), bulk (sendMany of 1,000).
import { answer, argument, measure, number } from './measure.ts';
import { add, app } from './tasks.ts';

const n = number('n', 20_000);
const mode = argument('mode', 'serial');
const redis = process.env['BENCH_REDIS'] ?? null;
const modes: Record<string, (count: number) => Promise<void>> = {
  async serial(count) {
    for (let i = 0; i < count; i++) await add.delay(1, i);
  },
  async inflight(count) {
    let next = 0;
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (next < count) await add.delay(1, next++);
      }),
    );
  },
  async bulk(count) {
    for (let i = 0; i < count; i += 1000) await app.sendMany(Array.from({ length: 1000 }, (_, j) => add.s(1, i + j)));
  },
};
await modes[mode]!(2000);
answer(await measure(n, redis, () => modes[mode]!(n)));
