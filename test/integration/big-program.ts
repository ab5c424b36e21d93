// Chords of growing size between a worker and a caller in one process, each measured: `big-program.ts BROKER BACKEND SIZE…`; one line of JSON for each. Wants --expose-gc.
import { Celery, chord } from '../../src/index.ts';
import { Worker } from '../../src/worker/worker.ts';

const [broker, backend, ...sizes] = process.argv.slice(2);
const app = new Celery('big', { broker: broker!, backend: backend! });
const part = app.task('big.part', (x: number) => x);
const total = app.task('big.total', (values: number[]) => values.reduce((sum, value) => sum + value, 0));
const worker = new Worker(app, { hostname: 'big@test', concurrency: 100 });
await worker.start();

const heap = (): number => {
  globalThis.gc!();
  return Math.round(process.memoryUsage().heapUsed / 1024);
};
for (const size of sizes.map(Number)) {
  const header = Array.from({ length: size }, (_, index) => part.s(index));
  const before = process.cpuUsage();
  const started = performance.now();
  const result = await chord(header, total.s()).delay();
  const sent = performance.now() - started;
  const sentCpu = process.cpuUsage(before);
  const value = await result.get({ timeout: 120 });
  const { user, system } = process.cpuUsage(before);
  if (value !== (size * (size - 1)) / 2) throw new Error(`a chord of ${size} gave ${String(value)}`);
  header.length = 0;
  const line = {
    size,
    ms: Math.round(performance.now() - started),
    sendMs: Math.round(sent),
    sendCpuUs: (sentCpu.user + sentCpu.system) / size,
    cpuUs: (user + system) / size,
    heapKb: heap(),
    rssKb: Math.round(process.memoryUsage().rss / 1024),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
await worker.stop();
await app.close();
process.exit(0);
