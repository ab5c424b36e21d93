import { describe, expect, onTestFinished, test } from 'vitest';
import { control, inspect } from '../../src/control/index.ts';
import { workerOn } from '../support/faulty-road.ts';
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
    const road = await workerOn({ url: url.href, directUrl: vhost!.url, settings, heal: () => proxy.heal() });
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    return { ...road, proxy };
  }

  test('when its consumer is cancelled, since the queue was deleted', async () => {
    const { queue, warnings, resumes, channel } = await setUp();
    await (await channel()).deleteQueue(queue);
    const since = Date.now();
    await expect.poll(warnings, { timeout: 10_000 }).toHaveLength(1);
    await resumes('queue deleted, consumer cancelled by the server', since);
    expect(warnings()).toEqual([expect.stringMatching(/the broker cancelled the consumer of .*: the queue was deleted, or its node went down/)]);
  });

  test('when the connection is reset', async () => {
    const { proxy, warnings, resumes, runs, gates, outside } = await setUp();
    const held = await outside.sendTask('proj.gate', ['held']);
    await expect.poll(() => runs).toEqual(['held']);
    proxy.reset();
    await resumes('TCP reset while a task runs', Date.now());
    // Said by each road that was open, and by nobody else.
    expect(warnings()).not.toHaveLength(0);
    expect(warnings().filter((line) => !line.includes('lost the connection'))).toEqual([]);
    // Its ack was lost with the connection: the broker gives it to us again, and it is run twice, as late acks say.
    await expect.poll(() => runs, { timeout: 5000 }).toEqual(['held', 'held']);
    gates.get('held')!();
    expect(await held.get({ timeout: 5 })).toBe('held');
  });

  test('when the network swallows everything: heartbeats tell', { timeout: 40_000 }, async () => {
    const { proxy, warnings, resumes } = await setUp({ brokerHeartbeat: 2 });
    proxy.silenceOpen();
    await expect
      .poll(warnings, { timeout: 15_000 })
      .toContainEqual(expect.stringMatching(/lost the connection.*nothing came from .* for two heartbeat intervals/));
    await resumes('half-open socket, once two heartbeat intervals have told', Date.now());
  });

  test('when RabbitMQ closes the connection, as a node does that goes down', async () => {
    const { warnings, resumes } = await setUp();
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
    await resumes('connection closed by the broker (CONNECTION_FORCED)', Date.now());
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

  test('when messages come whose headers nest without end: they are refused, and cost no connection', { timeout: 60_000 }, async () => {
    const { queue, lines, warnings, works, channel, outside } = await setUp();
    let headers: Record<string, unknown> = {};
    for (let i = 0; i < 70; i++) headers = { deep: headers };
    const message = { properties: { headers, content_type: 'application/json' }, payload: '[[], {}, {}]', payload_encoding: 'string' };
    for (const name of [queue, `w@${queue}.celery.pidbox`])
      expect(await management('POST', `/api/exchanges/${vhost!.name}/amq.default/publish`, { ...message, routing_key: name })).toEqual({ routed: true });
    const refused = (): string[] => lines.filter((line) => line.includes('Refused'));
    await expect.poll(refused, { timeout: 20_000 }).toHaveLength(1);
    expect(refused()[0]).toContain('its headers cannot be read: a table is nested deeper than 64 levels');
    await works();
    expect(await inspect(outside, { timeout: 10, limit: 1 }).ping()).toEqual({ [`w@${queue}`]: { ok: 'pong' } });
    expect(warnings().filter((line) => line.includes('lost the connection'))).toEqual([]);
    await expect.poll(async () => (await (await channel()).queueInfo(queue))?.messages, { timeout: 20_000 }).toBe(0);
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
