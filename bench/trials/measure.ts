// What every trial shares: the clock around the measured part, the processor time of this process and of the broker, and the answer on stdout.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

export interface Figures {
  readonly n: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Processor time of the measured process and its children, per message. */
  readonly clientUs: number;
  /** Processor time of the broker, per message: Redis's own count, or what the kernel says of the process BENCH_SERVER_PID. */
  readonly serverUs: number | null;
  readonly rssMb: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** Tasks before those that count, where a single answer is waited for: a service that has run for a while gives it with compiled code, which comes after some thousands of calls. */
export const WARM_UP = 3000;

export const argument = (name: string, fallback: string): string =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
export const number = (name: string, fallback: number): number => Number(argument(name, String(fallback)));

/** Runs `part`, and says what it cost per message. `extraCpuUs` adds what other processes of the trial used, `early` takes off messages that were done before. */
export async function measure(
  n: number,
  redisUrl: string | null,
  part: () => Promise<{ readonly p50Ms?: number; readonly p99Ms?: number; readonly extraCpuUs?: number; readonly early?: number } | void>,
): Promise<Figures> {
  const redis = redisUrl === null ? null : new Redis(redisUrl);
  const serverCpuUs = async (): Promise<number | null> => (redis === null ? processCpuUs() : redisCpuUs(redis));
  const serverBefore = await serverCpuUs();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const more = (await part()) ?? {};
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const serverAfter = await serverCpuUs();
  redis?.disconnect();
  const { extraCpuUs = 0, early = 0, ...latencies } = more;
  const measured = n - early;
  return {
    n: measured,
    seconds,
    perSecond: measured / seconds,
    clientUs: (used.user + used.system + extraCpuUs) / measured,
    serverUs: serverBefore === null || serverAfter === null ? null : (serverAfter - serverBefore) / measured,
    rssMb: process.memoryUsage.rss() / 1e6,
    ...latencies,
  };
}

async function redisCpuUs(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const field = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)![1]);
  return (field('used_cpu_user') + field('used_cpu_sys')) * 1e6;
}

/** In ticks of 10 ms, so only long trials say something. */
function processCpuUs(): number | null {
  const pid = process.env['BENCH_SERVER_PID'];
  if (pid === undefined) return null;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
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
