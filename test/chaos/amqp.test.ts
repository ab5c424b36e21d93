// The crash guarantees on RabbitMQ: durable queues, persistent messages, confirmed publishes, late acks. In small here; `npm run chaos` sets the full counts.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { noOwnRabbit, OwnRabbit } from '../support/own-rabbitmq.ts';
import { disturbedUnderLoad, killsUnderLoad, sleep, type ChaosEnv } from './load.ts';

const KILLS = Number(process.env['CHAOS_AMQP_KILLS'] ?? 10);
const RESTARTS = Number(process.env['CHAOS_AMQP_RESTARTS'] ?? 2);
const isFull = process.env['CHAOS_AMQP_KILLS'] !== undefined;

type QueueType = 'classic' | 'quorum';

describe.skipIf(noOwnRabbit !== undefined)(`RabbitMQ${noOwnRabbit === undefined ? '' : ` (left out: ${noOwnRabbit})`}`, () => {
  let rabbit: OwnRabbit;
  beforeAll(async () => {
    rabbit = await OwnRabbit.start();
  }, 180_000);
  afterAll(() => rabbit[Symbol.asyncDispose](), 60_000);

  const cleanUp: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const action of cleanUp.splice(0).reverse()) await action();
  });

  function environment(queueType: QueueType): ChaosEnv {
    const path = mkdtempSync(join(tmpdir(), 'celeriac-chaos-'));
    mkdirSync(join(path, 'logs'));
    cleanUp.push(() => rmSync(path, { recursive: true, force: true }));
    return {
      CHAOS_BROKER: rabbit.url,
      CHAOS_BACKEND: 'rpc://',
      CHAOS_LOGS: join(path, 'logs'),
      CHAOS_QUEUE: `chaos-${crypto.randomUUID()}`,
      CHAOS_QUEUE_TYPE: queueType,
    };
  }

  test.each<QueueType>(isFull ? ['classic', 'quorum'] : ['classic'])(
    'workers are killed under load, nothing is lost, nothing runs twice without reason: %s queues',
    { timeout: 120_000 + KILLS * 10_000 },
    async (queueType) => {
      const ledger = await killsUnderLoad(environment(queueType), KILLS, (action) => cleanUp.push(action));
      expect(ledger.lost).toEqual([]);
      expect(ledger.unexplained).toEqual([]);
      expect(ledger.sent).toBeGreaterThan(100);
    },
  );

  test.each<QueueType>(isFull ? ['classic', 'quorum'] : ['quorum'])(
    'the server is stopped, killed and started again under load: work goes on within 5 s, nothing is lost: %s queues',
    { timeout: 120_000 + RESTARTS * 60_000 },
    async (queueType) => {
      const restart = async (number: number): Promise<number> => {
        if (number % 2 === 0) await rabbit.kill();
        else await rabbit.stop();
        await sleep(Math.random() * 1000);
        const [listeningAt] = await Promise.all([rabbit.listens(), rabbit.start()]);
        return listeningAt;
      };
      const { lost, resumedMs, output } = await disturbedUnderLoad(environment(queueType), RESTARTS, restart, (action) => cleanUp.push(action));
      expect(lost, output).toEqual([]);
      expect(Math.max(...resumedMs), output).toBeLessThan(5000);
    },
  );
});
