import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { control, inspect } from '../../src/control/index.ts';
import { Celery, Worker } from '../../src/index.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLogger, silentLogger } from '../../src/kernel/logger.ts';

const app = (name: string): Celery => new Celery('mingle', { broker: `memory://${name}`, backend: `memory://${name}`, log: silentLogger });

test.each(['memory', 'sqlite'])(
  'two workers of one name on %s: the second says so, and so does who asks them',
  async (scheme) => {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-mingle-'));
    const url = scheme === 'memory' ? `memory://${crypto.randomUUID()}` : `sqlite:///${join(folder, 'tasks.db')}`;
    const lines: string[] = [];
    const log = createLogger({ clock: systemClock, level: 'WARNING', write: (line) => void lines.push(line) });
    const open = (): Celery => new Celery('mingle', { broker: url, backend: url, log });
    const apps = [open(), open(), open()] as const;
    const workers: Worker[] = [];
    onTestFinished(async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await Promise.all(apps.map((one) => one.close()));
      rmSync(folder, { recursive: true, force: true });
    });
    const warnings = (): string[] => lines.filter((line) => line.includes('Several workers answer as same@host,'));
    const start = async (one: Celery, hostname: string): Promise<void> => void workers.push(await new Worker(one, { hostname }).start());
    await start(apps[0], 'same@host');
    await start(apps[0], 'other@host');
    await start(apps[1], 'same@host');
    await expect.poll(warnings, { timeout: 30_000 }).toHaveLength(1);
    const asked = async (): Promise<number> => {
      await inspect(apps[2], { timeout: 0.5 }).ping();
      return warnings().length;
    };
    await expect.poll(asked, { timeout: 30_000 }).toBeGreaterThan(1);
  },
  90_000,
);

test('a new worker learns from the others what is revoked, unless it is told not to ask', async () => {
  const name = crypto.randomUUID();
  const first = await new Worker(app(name), { hostname: 'first@host', loglevel: 'critical' }).start();
  await control(app(name)).revoke('some-id');
  const asked = (node: string): Promise<unknown> => inspect(app(name), { destination: [node], timeout: 0.2 }).revoked();
  await expect.poll(() => asked('first@host')).toEqual({ 'first@host': ['some-id'] });
  const second = await new Worker(app(name), { hostname: 'second@host', loglevel: 'critical' }).start();
  await expect.poll(() => asked('second@host'), { timeout: 10_000 }).toEqual({ 'second@host': ['some-id'] });
  const alone = await new Worker(app(name), { hostname: 'alone@host', withoutMingle: true, loglevel: 'critical' }).start();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await asked('alone@host')).toEqual({ 'alone@host': [] });
  await Promise.all([first, second, alone].map((worker) => worker.stop()));
});
