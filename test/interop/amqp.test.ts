// Real kombu on the other side of RabbitMQ: headers as they are, and as the broker makes them when it re-encodes them.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { JsonObject } from '../../src/protocol/json.ts';
import type { BrokerConnection, Channel } from '../../src/transports/transport.ts';
import { transport } from '../../src/transports/amqp/index.ts';
import { rabbitVhost } from '../support/rabbitmq.ts';
import { queueName } from '../support/roads.ts';

const run = promisify(execFile);
const python = process.env['CELERIAC_TEST_PYTHON'];
const vhost = python === undefined ? undefined : await rabbitVhost();
if (vhost === undefined)
  test.skip('interop on AMQP: CELERIAC_TEST_AMQP or CELERIAC_TEST_PYTHON are not set (npm test sets them where it can)', () => undefined);

const integers = [0, 1, -1, 127, 128, -128, -129, 255, 256, 300, 1000, 32_767, 32_768, -32_768, -32_769, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31)];
const wide = [-(2 ** 31) - 1, 3_000_000_000, -3_000_000_000, 2 ** 40, -(2 ** 40), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
const headers: JsonObject = {
  integers: [...integers, ...wide],
  nested: { deep: { list: [1, [-2, { three: 3 }]], none: null, yes: true, half: 0.5 } },
  ...Object.fromEntries([...integers, ...wide].map((value) => [`n${value}`, value])),
  text: 'Grüße',
};

describe.skipIf(vhost === undefined)('header tables, to and from py-amqp', () => {
  let connection: BrokerConnection;
  let channel: Channel;
  beforeAll(async () => {
    connection = await transport.connect({
      url: new URL(vhost!.url),
      owner: newId(),
      timeoutMs: 4000,
      heartbeatMs: 0,
      transportOptions: {},
      clock: systemClock,
      log: silentLogger,
      role: 'test',
      maxMessageBytes: 1_000_000,
      signal: new AbortController().signal,
    });
    channel = await connection.openChannel();
  });
  afterAll(() => connection[Symbol.asyncDispose]());

  async function kombu(act: string, args: object): Promise<unknown> {
    const { stdout } = await run(python!, [join(import.meta.dirname, 'python', 'amqp_headers.py'), act, vhost!.url, JSON.stringify(args)]);
    return JSON.parse(stdout);
  }
  const queue = async (args: JsonObject = {}): Promise<string> => {
    const { name } = await channel.declareQueue({ name: queueName(), durable: true, exclusive: false, autoDelete: false, arguments: args });
    return name;
  };
  /** A queue from which everything goes at once to another, re-encoded by the broker. */
  const throughDeadLetters = async (): Promise<{ readonly from: string; readonly to: string }> => {
    const to = await queue();
    return { to, from: await queue({ 'x-message-ttl': 0, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': to }) };
  };
  const publish = (to: string): Promise<void> =>
    channel.publish({ body: { text: '{}' }, contentType: 'application/json', contentEncoding: 'utf-8', headers, properties: {} }, '', to);
  const arrived = async (name: string): Promise<JsonObject> => {
    await expect.poll(async () => (await channel.queueInfo(name))?.messages).toBe(1);
    const delivery = await channel.get(name);
    await delivery!.settle('ack');
    return Object.fromEntries(Object.entries(delivery!.message.headers).filter(([key]) => !key.startsWith('x-')));
  };

  test('integers of every size, negative and nested, reach Python as they are', async () => {
    const name = await queue();
    await publish(name);
    expect(await kombu('take', { queue: name })).toEqual(headers);
  });

  test('and through a dead-letter queue', async () => {
    const { from, to } = await throughDeadLetters();
    await publish(from);
    await expect.poll(async () => (await channel.queueInfo(to))?.messages).toBe(1);
    expect(await kombu('take', { queue: to })).toEqual(headers);
  });

  test('Python’s reach us as they are', async () => {
    const name = await queue();
    await kombu('send', { queue: name, headers });
    expect(await arrived(name)).toEqual(headers);
  });

  test('and through a dead-letter queue, with what the broker says of it', async () => {
    const { from, to } = await throughDeadLetters();
    await kombu('send', { queue: from, headers });
    expect(await arrived(to)).toEqual(headers);
    await publish(from);
    await expect.poll(async () => (await channel.queueInfo(to))?.messages).toBe(1);
    const delivery = await channel.get(to);
    expect(delivery!.message.headers['x-death']).toMatchObject([{ count: 1, reason: 'expired', queue: from }]);
    await delivery!.settle('ack');
  });
});
