import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/protocol/json.ts';
import { Worker } from '../../src/worker/worker.ts';
import { noRabbit, rabbitVhost } from '../support/rabbitmq.ts';
import { queueName } from '../support/roads.ts';
import { newApp } from './worker-header-tasks.ts';

const vhost = await rabbitVhost();
if (noRabbit !== undefined) console.warn(`skipped: ${noRabbit}`);

/** What AMQP's tables hold and JSON does not, and then a plain one: the worker must still be there for it. */
const HEADERS: readonly unknown[] = [2n ** 60n, new Date(86_400_000), new Uint8Array([255, 0, 65]), { list: [2n ** 61n, 'x'] }, 7];

describe.skipIf(vhost === undefined)('headers of RabbitMQ', () => {
  test.each(['async', 'prefork', 'threads'])(
    'come to a task of the %s pool as they were sent',
    async (pool) => {
      const queue = queueName();
      await using app = newApp(vhost!.url, queue);
      await using worker = new Worker(app, { hostname: `w@${queue}`, pool, concurrency: 2, appModule: new URL('./worker-header-tasks.ts', import.meta.url) });
      await worker.start();
      for (const odd of HEADERS) {
        const result = await app.sendTask('proj.header', [], { headers: { odd } as object as Record<string, Json> });
        expect(await result.get({ timeout: 30 })).toBe(inspect(odd, { depth: null }));
      }
    },
    120_000,
  );
});
