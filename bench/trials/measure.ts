// What every trial shares: the clock around the measured part, the processor time of this process and of Redis, and the answer on stdout.
import { Redis } from 'ioredis';

export interface Figures {
  readonly n: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Processor time of the measured process and its children, per message. */
  readonly clientUs: number;
  readonly redisUs: number | null;
  readonly rssMb: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export const argument = (name: string, fallback: string): string =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
export const number = (name: string, fallback: number): number => Number(argument(name, String(fallback)));

/** Runs `part`, and says what it cost per message. `extraCpuUs` adds what other processes of the trial used. */
export async function measure(
  n: number,
  redisUrl: string | null,
  part: () => Promise<{ readonly p50Ms?: number; readonly p99Ms?: number; readonly extraCpuUs?: number } | void>,
): Promise<Figures> {
  const redis = redisUrl === null ? null : new Redis(redisUrl);
  const redisBefore = redis === null ? 0 : await redisCpuUs(redis);
  const cpu = process.cpuUsage();
  const started = performance.now();
  const more = (await part()) ?? {};
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const redisUs = redis === null ? null : ((await redisCpuUs(redis)) - redisBefore) / n;
  redis?.disconnect();
  const { extraCpuUs = 0, ...latencies } = more;
  return {
    n,
    seconds,
    perSecond: n / seconds,
    clientUs: (used.user + used.system + extraCpuUs) / n,
    redisUs,
    rssMb: process.memoryUsage.rss() / 1e6,
    ...latencies,
  };
}

async function redisCpuUs(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const field = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)![1]);
  return (field('used_cpu_user') + field('used_cpu_sys')) * 1e6;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** Says the figures and ends the process: open sockets must not keep a trial alive. */
export function answer(figures: Figures): never {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exit(0);
}

/** Throws when tasks were lost or ran twice. */
export function ranOnce(runs: Uint8Array): void {
  const lost = runs.filter((count) => count === 0).length;
  const doubled = runs.filter((count) => count > 1).length;
  if (lost > 0 || doubled > 0) throw new Error(`${lost} of ${runs.length} tasks were lost, ${doubled} ran more than once`);
}
