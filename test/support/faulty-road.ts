import { expect, onTestFinished } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLogger } from '../../src/kernel/logger.ts';
import type { Channel } from '../../src/transports/transport.ts';
import { Worker } from '../../src/worker/worker.ts';
import { queueName } from './roads.ts';

/** Within which a worker is to work again once it can. */
export const RESUMES_MS = 5000;

export interface FaultyRoad {
  /** The broker as the worker reaches it: through a proxy, maybe. */
  readonly url: string;
  /** The broker itself. */
  readonly directUrl: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Before anything is closed. */
  readonly heal?: () => void;
}

/** A worker whose road to the broker is to be disturbed, and an app with a road of its own that gives it work. */
export async function workerOn({ url, directUrl, settings = {}, heal }: FaultyRoad) {
  const queue = queueName();
  const lines: string[] = [];
  const log = createLogger({
    clock: systemClock,
    level: 'INFO',
    write: (line) => void lines.push(line),
    format: ({ level, message }) => `${level} ${message}`,
  });
  const common = { backend: 'memory://', taskDefaultQueue: queue, ...settings };
  const app = new Celery('proj', { broker: url, log, ...common });
  const outside = new Celery('proj', { broker: directUrl, ...common });
  const add = app.task('proj.add', (x: number, y: number) => x + y);
  const late: string[] = [];
  app.task('proj.late', { acksLate: true }, (name: string) => void late.push(name));
  const runs: string[] = [];
  const gates = new Map<string, () => void>();
  app.task('proj.gate', { acksLate: true }, async (name: string) => {
    runs.push(name);
    await new Promise<void>((resolve) => gates.set(name, resolve));
    return name;
  });
  const worker = new Worker(app, { hostname: `w@${queue}`, concurrency: 4 });
  const link = await coreOf(outside).openLink('test');
  const channel = async (): Promise<Channel> => (await link.connection()).openChannel();
  onTestFinished(async () => {
    for (const open of gates.values()) open();
    heal?.();
    await worker.stop({ mode: 'cold' });
    await link.close();
    await Promise.all([app.close(), outside.close()]);
  });
  await worker.start();
  /** A task runs, within five seconds. */
  const works = async (): Promise<void> => {
    const result = await outside.sendTask('proj.add', [2, 2]);
    expect(await result.get({ timeout: RESUMES_MS / 1000 })).toBe(4);
  };
  await works();
  /** It works again within five seconds of `sinceMs`; one line for the table of faults. */
  const resumes = async (fault: string, sinceMs: number): Promise<void> => {
    await works();
    const tookMs = Date.now() - sinceMs;
    process.stdout.write(`fault: ${fault}: works again after ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(RESUMES_MS);
  };
  const warnings = (): readonly string[] => lines.filter((line) => /^(WARNING|ERROR|CRITICAL)/.test(line));
  return { queue, lines, warnings, works, resumes, channel, app, outside, add, late, runs, gates, worker };
}
