import { expect, test } from 'vitest';
import { Celery, OperationalError, Worker } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';

test('a worker that waits for a broker that is not there can be stopped', async () => {
  const worker = new Worker(new Celery('nobody', { broker: 'redis://127.0.0.1:1', backend: 'memory://', log: silentLogger }));
  const starting = expect(worker.start()).rejects.toBeInstanceOf(OperationalError);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await worker.stop();
  await starting;
  await worker.closed;
});
