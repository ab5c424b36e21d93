import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { declareQueue, openChannel } from '../../../src/testing/conformance/transport/harness.ts';
import { describeTransport, type QueueKind, type TransportHarness } from '../../../src/testing/conformance/transport.ts';
import { transport } from '../../../src/transports/amqp/index.ts';

const server = process.env['CELERIAC_TEST_AMQP'];
const management = process.env['CELERIAC_TEST_AMQP_MANAGEMENT'];

if (server === undefined || management === undefined)
  test.skip('amqp: CELERIAC_TEST_AMQP and CELERIAC_TEST_AMQP_MANAGEMENT are not set (npm test sets them where it can)', () => undefined);
else {
  describeTransport({ describe, test }, 'amqp', amqpHarness);
  describeTransport({ describe, test }, 'amqp, quorum queues', () => amqpHarness(quorum));
  test('what the cases for quorum queues leave out is what RabbitMQ refuses', refusesWhatIsLeftOut);
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
