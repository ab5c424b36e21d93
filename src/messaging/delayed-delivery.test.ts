import { describe, expect, test } from 'vitest';
import captured from '../../test/fixtures/vectors/amqp/amqp_native_delay_topology.json' with { type: 'json' };
import type { Channel } from '../transports/transport.ts';
import { bindToLadder, declareLadder, delayed, ensureLadder, withoutDelay } from './delayed-delivery.ts';
import { declarationOf, Queue } from './entities.ts';
import type { OutgoingMessage } from './outgoing.ts';

const lines = captured.rabbitmqctl_output;

/** A channel that writes down what is declared, as `rabbitmqctl` lists it. */
function recorder(exists = false) {
  const declared: string[] = [];
  const term = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : String(value));
  const channel = {
    declareExchange: async () => undefined,
    async declareQueue({ name, durable, autoDelete, arguments: args }: Parameters<Channel['declareQueue']>[0]) {
      const list = Object.entries(args).map(([key, value]) => `{"${key}",${term(value)}}`);
      declared.push(`${name}\t${durable}\t${autoDelete}\t\tquorum\t[${list.join(',')}]`);
    },
    async bind({ queue, exchange, routingKey }: Parameters<Channel['bind']>[0]) {
      declared.push(`${exchange}\texchange\t${queue}\tqueue\t${routingKey}\t[]`);
    },
    async bindExchange({ destination, source, routingKey }: Parameters<NonNullable<Channel['bindExchange']>>[0]) {
      declared.push(`${source}\texchange\t${destination}\texchange\t${routingKey}\t[]`);
    },
    queueInfo: async () => (exists ? { name: 'x', messages: 0, consumers: 0 } : undefined),
  } as unknown as Channel;
  return { channel, declared };
}

const message = (routingKey: string, notBeforeMs: number): OutgoingMessage => ({
  message: { body: { text: '' }, contentType: 'application/json', contentEncoding: 'utf-8', headers: {}, properties: {} },
  exchange: 'qq',
  routingKey,
  options: { notBeforeMs },
});

describe('native delayed delivery', () => {
  test('declares what Celery’s worker declares: every line that was captured', async () => {
    const { channel, declared } = recorder();
    await declareLadder(channel, 'quorum');
    await bindToLadder(channel, declarationOf(new Queue('qq', { exchangeType: 'topic' })));
    // But the queue that listened in.
    const wanted = lines.filter((line) => line.startsWith('celery_delayed') || line.endsWith('#.qq\t[]')).filter((line) => !/\ttopic\t|sniff/.test(line));
    expect(wanted.length).toBeGreaterThan(8);
    expect(declared).toEqual(expect.arrayContaining(wanted));
  });

  test('is declared by a producer only where nobody has', async () => {
    const there = recorder(true);
    await ensureLadder(there.channel, 'quorum');
    expect(there.declared).toEqual([]);
    const missing = recorder();
    await ensureLadder(missing.channel, 'classic');
    expect(missing.declared.filter((line) => line.includes('x-overflow'))).toHaveLength(28);
  });

  test('writes the delay in binary before the routing key, once', () => {
    const sent = delayed(message('qq', 5900), 0);
    expect([sent.exchange, sent.routingKey]).toEqual(['celery_delayed_27', `${'0.'.repeat(25)}1.0.1.qq`]);
    expect(delayed(message(sent.routingKey, 5900), 0).routingKey).toBe(sent.routingKey);
    expect(withoutDelay(sent.routingKey)).toBe('qq');
    expect(withoutDelay('0.1.mine')).toBe('0.1.mine');
  });

  test('leaves a message alone that is due within a second, and refuses one that nothing can hold', () => {
    const soon = message('qq', 1999);
    expect(delayed(soon, 1000)).toBe(soon);
    expect(delayed(message('qq', (2 ** 28 - 1) * 1000), 0).routingKey).toBe(`${'1.'.repeat(28)}qq`);
    expect(() => delayed(message('qq', 2 ** 28 * 1000), 0)).toThrow(/at most/);
  });

  test('cannot lead to a queue behind a direct exchange', async () => {
    const { channel, declared } = recorder();
    expect(await bindToLadder(channel, declarationOf(new Queue('plain')))).toBe(false);
    expect(declared).toEqual([]);
  });
});
