import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { consume, declareQueue, messageOf, openChannel, until, type Inbox } from '../../../src/testing/conformance/transport/harness.ts';
import { describeTransport, type QueueKind, type TransportHarness } from '../../../src/testing/conformance/transport.ts';
import { transport } from '../../../src/transports/amqp/index.ts';
import type { Channel } from '../../../src/transports/transport.ts';

const server = process.env['CELERIAC_TEST_AMQP'];
const management = process.env['CELERIAC_TEST_AMQP_MANAGEMENT'];

if (server === undefined || management === undefined)
  test.skip('amqp: CELERIAC_TEST_AMQP and CELERIAC_TEST_AMQP_MANAGEMENT are not set (npm test sets them where it can)', () => undefined);
else {
  describeTransport({ describe, test }, 'amqp', amqpHarness);
  describeTransport({ describe, test }, 'amqp, quorum queues', () => amqpHarness(quorum));
  test('what the cases for quorum queues leave out is what RabbitMQ refuses', refusesWhatIsLeftOut);
  test('a limit that grows to its most, shrinks, and goes beyond is kept at each step', keepsLimits);
  test('a limit at its most is that of all consumers of the channel together', keepsLimitOfAll);
}

const quorum: QueueKind = {
  arguments: { 'x-queue-type': 'quorum' },
  lacks: {
    priorities: 'quorum queues have no priorities (from RabbitMQ 4.0 on they have two)',
    exclusive: 'quorum queues cannot be exclusive',
    autoDelete: 'quorum queues cannot go with their last consumer before RabbitMQ 4',
  },
};

async function refusesWhatIsLeftOut(): Promise<void> {
  const harness = await amqpHarness(quorum);
  const refused = { priorities: { arguments: { 'x-max-priority': 10 } }, exclusive: { exclusive: true }, autoDelete: { autoDelete: true } };
  expect(Object.keys(refused)).toEqual(Object.keys(quorum.lacks));
  for (const more of Object.values(refused)) {
    const channel = await openChannel(harness);
    await expect(declareQueue(harness, channel, 'q', more)).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      message: expect.stringMatching(/invalid (arg|property)/),
    });
  }
  await harness.close();
}

/** At its most it is counted by the queue, else by the channel. */
async function keepsLimits(): Promise<void> {
  const harness = await amqpHarness();
  const channel = await openChannel(harness);
  const inbox = await filledInbox(harness, channel);
  const inHand = async (count: number): Promise<void> => {
    await inbox.has(inbox.settled + count);
    expect((await inbox.calm()) - inbox.settled).toBe(count);
  };
  channel.setPrefetch(5, 20);
  await inHand(5);
  channel.setPrefetch(20, 20);
  await inHand(20);
  await inbox.settle(8);
  await inHand(20);
  channel.setPrefetch(4, 20);
  // RabbitMQ's queues hear of acks before they hear of limits.
  await inHand(20);
  await inbox.settle(18);
  await inHand(4);
  channel.setPrefetch(20, 20);
  await inHand(20);
  channel.setPrefetch(33, 20);
  await inHand(33);
  channel.setPrefetch(0, 20);
  await inbox.settle(30);
  await inHand(3);
  channel.setPrefetch(20, 20);
  await inHand(20);
  // The three from before the pause count for the channel only, so its limit may not be lifted.
  channel.setPrefetch(19, 20);
  await inHand(20);
  channel.setPrefetch(20, 20);
  await inHand(20);
  await inbox.settle(9);
  await inHand(20);
  await harness.close();
}

async function keepsLimitOfAll(): Promise<void> {
  const harness = await amqpHarness();
  const channel = await openChannel(harness);
  const first = await filledInbox(harness, channel);
  channel.setPrefetch(20, 20);
  await first.has(20);
  const second = await consume(harness, channel, 'q');
  expect((await first.calm()) + (await second.calm())).toBe(20);
  await first.settle(12);
  await until(harness, () => first.deliveries.length + second.deliveries.length >= 32);
  channel.setPrefetch(19, 20);
  await first.calm();
  channel.setPrefetch(20, 20);
  expect((await first.calm()) + (await second.calm())).toBe(32);
  await harness.close();
}

/** Of a queue of 300 messages. */
async function filledInbox(harness: TransportHarness, channel: Channel): Promise<Inbox & { settled: number; settle(count: number): Promise<void> }> {
  await declareQueue(harness, channel, 'q');
  await Promise.all(Array.from({ length: 300 }, (_, n) => channel.publish(messageOf(`m${n}`), '', 'q')));
  channel.setPrefetch(1, 20);
  const inbox = await consume(harness, channel, 'q');
  return Object.assign(inbox, {
    settled: 0,
    async settle(this: Inbox & { settled: number }, count: number) {
      const from = this.settled;
      this.settled += count;
      await Promise.all(this.deliveries.slice(from, from + count).map((delivery) => delivery.settle('ack')));
    },
  });
}

/** A virtual host of its own on the real server, gone afterwards with all that is in it. */
async function amqpHarness(queueKind?: QueueKind): Promise<TransportHarness> {
  const vhost = `celeriac-${newId()}`;
  await api('PUT', `/api/vhosts/${vhost}`);
  await api('PUT', `/api/permissions/${vhost}/guest`, { configure: '.*', write: '.*', read: '.*' });
  const opened: AsyncDisposable[] = [];
  return {
    transport,
    ...(queueKind && { queueKind }),
    firstPriority: 'highest',
    now: () => systemClock.now(),
    elapse: (ms) => systemClock.sleep(ms),
    async connect({ owner } = {}) {
      const connection = await transport.connect({
        url: new URL(`${server!}/${vhost}`),
        owner: owner ?? newId(),
        timeoutMs: 4000,
        heartbeatMs: 0,
        transportOptions: {},
        clock: systemClock,
        log: silentLogger,
        role: 'test',
        maxMessageBytes: 64 * 2 ** 20,
        signal: new AbortController().signal,
      });
      opened.push(connection);
      return connection;
    },
    async close() {
      for (const one of opened) await one[Symbol.asyncDispose]();
      await api('DELETE', `/api/vhosts/${vhost}`);
    },
  };
}

async function api(method: string, path: string, body?: object): Promise<void> {
  const { username, password, origin } = new URL(management!);
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
}
