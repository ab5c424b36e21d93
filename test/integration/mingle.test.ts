import { expect, test } from 'vitest';
import { control, inspect } from '../../src/control/index.ts';
import { Celery, Worker } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';

const app = (name: string): Celery => new Celery('mingle', { broker: `memory://${name}`, backend: `memory://${name}`, log: silentLogger });

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
