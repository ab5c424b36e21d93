import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { control, inspect } from '../../src/control/index.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLogger } from '../../src/kernel/logger.ts';
import type { Channel } from '../../src/transports/transport.ts';
import { Worker } from '../../src/worker/worker.ts';
import { management, noRabbit, rabbitVhost } from '../support/rabbitmq.ts';
import { queueName } from '../support/roads.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const vhost = await rabbitVhost();
if (noRabbit !== undefined) console.warn(`skipped: ${noRabbit}`);

/* A worker must never be alive and silent: whatever RabbitMQ or the network does, it consumes again within seconds and says once what happened. */
describe.skipIf(vhost === undefined)('a worker on RabbitMQ goes on by itself', () => {
  async function setUp(settings: Record<string, unknown> = {}) {
    const proxy = await TcpProxy.to(vhost!.port);
    const url = new URL(vhost!.url);
    url.port = String(proxy.port);
    const queue = queueName();
    const lines: string[] = [];
    const log = createLogger({
      clock: systemClock,
      level: 'INFO',
      write: (line) => void lines.push(line),
      format: ({ level, message }) => `${level} ${message}`,
    });
    const app = new Celery('proj', { broker: url.href, backend: 'memory://', taskDefaultQueue: queue, log, ...settings });
    /** Not through the proxy. */
    const outside = new Celery('proj', { broker: vhost!.url, backend: 'memory://', taskDefaultQueue: queue, ...settings });
    const add = app.task('proj.add', (x: number, y: number) => x + y);
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
      proxy.heal();
      await worker.stop({ mode: 'cold' });
      await link.close();
      await Promise.all([app.close(), outside.close()]);
      await proxy[Symbol.asyncDispose]();
    });
    await worker.start();
    /** A task runs, within five seconds. */
    const works = async (): Promise<void> => {
      const result = await outside.sendTask('proj.add', [2, 2]);
      expect(await result.get({ timeout: 5 })).toBe(4);
    };
    await works();
    const warnings = (): readonly string[] => lines.filter((line) => /^(WARNING|ERROR)/.test(line));
    return { proxy, queue, warnings, works, channel, outside, add, runs, gates };
  }

  test('when its consumer is cancelled, since the queue was deleted', async () => {
    const { queue, warnings, works, channel } = await setUp();
    await (await channel()).deleteQueue(queue);
    await expect.poll(warnings).toHaveLength(1);
    await works();
    expect(warnings()).toEqual([expect.stringMatching(/the broker cancelled the consumer of .*: the queue was deleted, or its node went down/)]);
  });

  test('when the connection is reset', async () => {
    const { proxy, warnings, works, runs, gates, outside } = await setUp();
    const held = await outside.sendTask('proj.gate', ['held']);
    await expect.poll(() => runs).toEqual(['held']);
    proxy.reset();
    await works();
    // Said by each road that was open, and by nobody else.
    expect(warnings()).not.toHaveLength(0);
    expect(warnings().filter((line) => !line.includes('lost the connection'))).toEqual([]);
    // Its ack was lost with the connection: the broker gives it to us again, and it is run twice, as late acks say.
    await expect.poll(() => runs, { timeout: 5000 }).toEqual(['held', 'held']);
    gates.get('held')!();
    expect(await held.get({ timeout: 5 })).toBe('held');
  });

  test('when the network swallows everything: heartbeats tell', { timeout: 40_000 }, async () => {
    const { proxy, warnings, works } = await setUp({ brokerHeartbeat: 2 });
    proxy.silenceOpen();
    await expect
      .poll(warnings, { timeout: 15_000 })
      .toContainEqual(expect.stringMatching(/lost the connection.*nothing came from .* for two heartbeat intervals/));
    await works();
  });

  test('when RabbitMQ closes the connection, as a node does that goes down', async () => {
    const { warnings, works } = await setUp();
    const close = async (): Promise<number> => {
      const all = (await management('GET', `/api/vhosts/${vhost!.name}/connections`)) as readonly { readonly name: string }[];
      const named = (await Promise.all(
        all.map(({ name }) => management('GET', `/api/connections/${encodeURIComponent(name)}`).catch(() => undefined)),
      )) as readonly ({ readonly name: string; readonly client_properties?: { readonly connection_name?: string } } | undefined)[];
      const workers = named.filter((one) => one?.client_properties?.connection_name?.endsWith('/worker') === true);
      for (const one of workers) await management('DELETE', `/api/connections/${encodeURIComponent(one!.name)}`);
      return workers.length;
    };
    // The statistics lag behind by some seconds.
    await expect.poll(close, { timeout: 15_000, interval: 300 }).toBeGreaterThan(0);
    await works();
    expect(warnings().filter((line) => line.includes('lost the connection'))).toEqual([expect.stringContaining('CONNECTION_FORCED')]);
  });

  test('when its name is still taken by its own dead connection: tasks come at once, remote control later', async () => {
    const { proxy, queue, warnings, works, channel, outside } = await setUp();
    const inbox = `w@${queue}.celery.pidbox`;
    const other = await channel();
    proxy.refuse();
    proxy.reset();
    const arguments_ = { 'x-expires': 10_000, 'x-message-ttl': 300_000 };
    await expect
      .poll(() =>
        channel().then((one) =>
          one.declareQueue({ name: inbox, durable: false, exclusive: true, autoDelete: true, arguments: arguments_ }).then(() => 'ours', String),
        ),
      )
      .toBe('ours');
    proxy.heal();
    await works();
    expect(warnings()).toContainEqual(expect.stringContaining('remote control waits'));
    expect(await inspect(outside, { timeout: 0.3 }).ping()).toEqual({});
    await other.deleteQueue(inbox);
    await expect.poll(() => inspect(outside, { timeout: 1 }).ping(), { timeout: 10_000 }).toEqual({ [`w@${queue}`]: { ok: 'pong' } });
  });

  test('when the broker closes the channel that it consumes on', async () => {
    const { queue, warnings, works, channel, outside } = await setUp();
    const name = queueName();
    await (await channel()).declareQueue({ name, durable: true, exclusive: false, autoDelete: false, arguments: { 'x-max-priority': 5 } });
    const replies = await control(outside).addConsumer(name, { destination: [`w@${queue}`], timeout: 5 });
    expect(JSON.stringify(replies)).toMatch(/inequivalent arg/);
    await works();
    expect(warnings().filter((line) => line.includes('has ended'))).toEqual([expect.stringContaining('406')]);
  });

  test('a queue that exists with other properties is reported with both sides’ and what to do', async () => {
    const { channel, outside } = await setUp();
    const name = queueName();
    await (await channel()).declareQueue({ name, durable: true, exclusive: false, autoDelete: false, arguments: { 'x-max-priority': 5 } });
    await expect(outside.sendTask('proj.add', [1, 1], { queue: name })).rejects.toThrow(
      /the queue "q-.*" exists with other properties: .*inequivalent arg 'x-max-priority'.*received none but current is the value '5'.*taskQueues/s,
    );
  });
});
