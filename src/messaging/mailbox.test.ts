import { expect, test } from 'vitest';
import { OperationalError } from '../errors.ts';
import { systemClock } from '../kernel/clock.ts';
import { LamportClock } from '../kernel/lamport-clock.ts';
import { silentLogger } from '../kernel/logger.ts';
import { createSerializerRegistry } from '../serialization/index.ts';
import type { Channel, Delivery } from '../transports/transport.ts';
import type { BrokerLink } from './link.ts';
import { isForNode, Mailbox } from './mailbox.ts';

test.each([
  [{}, true],
  [{ destination: null, pattern: null, matcher: null }, true],
  [{ destination: ['w1@box'] }, true],
  [{ destination: ['w2@box'] }, false],
  [{ destination: ['w2@box'], pattern: 'w1@*', matcher: 'glob' }, false],
  [{ pattern: 'w?@box', matcher: 'glob' }, true],
  [{ pattern: 'w[2-9]@*', matcher: 'glob' }, false],
  [{ pattern: 'w[!2-9]@*', matcher: 'glob' }, true],
  [{ pattern: 'w1', matcher: 'glob' }, false],
  [{ pattern: '^w\\d', matcher: 'pcre' }, true],
  [{ pattern: '(', matcher: 'pcre' }, false],
  [{ pattern: 'nobody' }, true],
])('a command for %j reaches w1@box: %j', (envelope, isHeard) => {
  expect(isForNode(envelope, 'w1@box')).toBe(isHeard);
});

test.each([
  { pattern: '^(\\w+\\w?)+$', matcher: 'pcre' },
  { pattern: `${'*a'.repeat(30)}b`, matcher: 'glob' },
])('a pattern that would be tried for years names nobody, soon: %j', (envelope) => {
  expect(isForNode(envelope, `${'a'.repeat(60)}@box`)).toBe(false);
});

test.each([
  [new OperationalError('the channel is closed'), 'debug the answer to a remote command could not be sent'],
  [new TypeError('oops'), 'error a remote command could not be read or answered'],
])('an answer that fails with %s is told as: %s', async (failure, told) => {
  const lines: string[] = [];
  let deliver!: (delivery: Delivery) => void;
  const nothing = (): Promise<void> => Promise.resolve();
  const channel = {
    closed: new Promise(() => undefined),
    ...{ declareExchange: nothing, declareQueue: nothing, bind: nothing, setPrefetch: nothing },
    publish: () => Promise.reject(failure),
    consume: async (_: string, onDelivery: (delivery: Delivery) => void) => {
      deliver = onDelivery;
      return { [Symbol.asyncDispose]: nothing };
    },
    [Symbol.asyncDispose]: nothing,
  } as unknown as Channel;
  const mailbox = new Mailbox({
    clock: systemClock,
    link: { isConnected: true, connection: async () => ({ openChannel: async () => channel }) } as unknown as BrokerLink,
    log: { ...silentLogger, debug: (text) => void lines.push(`debug ${text}`), error: (text) => void lines.push(`error ${text}`) },
    lamport: new LamportClock(),
    serializers: createSerializerRegistry(),
    ...{ accept: ['json'], maxBytes: 1000, serializer: 'json', hostname: 'w1@box', handle: () => 'pong' },
    names: { exchange: 'celery', queueExpiresMs: 10_000, queueTtlMs: 10_000, durable: false, exclusive: false },
  });
  await mailbox.start();
  const body = JSON.stringify({ method: 'ping', reply_to: { exchange: 'reply', routing_key: 'me' }, ticket: '1' });
  deliver({ message: { body: { text: body }, contentType: 'application/json', contentEncoding: 'utf-8', headers: {}, properties: {} } } as unknown as Delivery);
  await expect.poll(() => lines, { timeout: 10_000 }).toEqual([told]);
  await mailbox.stop();
});
