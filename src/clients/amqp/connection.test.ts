// The client against a real RabbitMQ, and against a network that misbehaves.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { management, noRabbit } from '../../../test/support/rabbitmq.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { AmqpChannel, AmqpMessage } from './channel.ts';
import { AmqpConnection, type AmqpOptions } from './connection.ts';
import { AmqpConnectionLost, AmqpReplyError } from './errors.ts';

const url = process.env['CELERIAC_TEST_AMQP'];
if (url === undefined) test.skip('AMQP client: CELERIAC_TEST_AMQP is not set (npm test sets it where it can)', () => undefined);

describe.runIf(url !== undefined)('with a real RabbitMQ', () => {
  const { hostname, port } = new URL(url ?? 'amqp://localhost:1');
  const options = (more: Partial<AmqpOptions> = {}): AmqpOptions => ({
    host: hostname,
    port: Number(port),
    username: 'guest',
    password: 'guest',
    virtualHost: '/',
    name: 'celeriac/test',
    clock: systemClock,
    timeoutMs: 4000,
    heartbeatMs: 0,
    maxMessageBytes: 1_000_000,
    ...more,
  });
  const queue = `client-test-${process.pid}`;
  let connection: AmqpConnection;
  let channel: AmqpChannel;
  beforeAll(async () => {
    connection = await AmqpConnection.open(options());
    channel = await connection.openChannel();
    await channel.call('queue.declare', { queue, autoDelete: false, durable: true }, 'queue.declare-ok');
  });
  afterAll(async () => {
    await channel.call('queue.delete', { queue }, 'queue.delete-ok');
    await connection.close();
    expect(await connection.closed).toBeUndefined();
  });

  const take = async (): Promise<AmqpMessage> => (await channel.get(queue))!;

  test('a body that needs many frames arrives whole, and an empty one too', async () => {
    for (const size of [0, 1, 131_064, 131_065, 700_000]) {
      const body = Buffer.alloc(size, 'ä');
      await channel.publish('', queue, { deliveryMode: 2 }, body);
      const message = await take();
      expect(message.body!.length).toBe(size);
      expect(Buffer.compare(message.body as Uint8Array, body)).toBe(0);
      channel.send('basic.ack', { deliveryTag: message.deliveryTag });
    }
  });

  test('a short body that is called UTF-8, and is, arrives as text; any other as bytes', async () => {
    const given: readonly [string | undefined, Buffer][] = [
      ['utf-8', Buffer.from('grün \ufffd \ufeff')],
      ['utf-8', Buffer.from([0x61, 0xff])],
      ['binary', Buffer.from('a')],
      [undefined, Buffer.from('a')],
    ];
    const bodies: AmqpMessage['body'][] = [];
    for (const [contentEncoding, body] of given) {
      await channel.publish('', queue, { contentEncoding }, body);
      const message = await take();
      channel.send('basic.ack', { deliveryTag: message.deliveryTag });
      bodies.push(message.body);
    }
    expect(bodies).toEqual(['grün \ufffd \ufeff', ...given.slice(1).map(([, body]) => body)]);
  });

  test('a body larger than allowed is read over, and says how large it was', async () => {
    await channel.publish('', queue, {}, Buffer.alloc(1_000_001));
    const message = await take();
    expect(message.body).toBeUndefined();
    expect(message.bodyBytes).toBe(1_000_001);
    channel.send('basic.reject', { deliveryTag: message.deliveryTag });
  });

  test('a mandatory message without a queue is given back, each to its own publish', async () => {
    const results = await Promise.allSettled([
      channel.publish('', 'nobody-1', {}, Buffer.from('x'), { mandatory: true }),
      channel.publish('', queue, {}, Buffer.from('y'), { mandatory: true }),
      channel.publish('', 'nobody-2', {}, Buffer.from('z'), { mandatory: true }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(String((results[2] as PromiseRejectedResult).reason)).toContain('nobody-2');
    channel.send('basic.ack', { deliveryTag: (await take()).deliveryTag });
  });

  test('a refused declaration closes its channel with the reason, and not the connection', async () => {
    const other = await connection.openChannel();
    await expect(other.call('queue.declare', { queue, durable: false }, 'queue.declare-ok')).rejects.toThrow(/inequivalent arg 'durable'.*406/);
    expect(await other.closed).toBeInstanceOf(AmqpReplyError);
    expect(channel.isOpen).toBe(true);
  });

  test('what is said on a channel that is being closed does not reach the broker, which would end the connection for it', async () => {
    const other = await connection.openChannel();
    await other.call('confirm.select', {}, 'confirm.select-ok');
    await channel.publish('', queue, {}, Buffer.from('x'));
    const { deliveryTag } = (await other.get(queue))!;
    const closing = [other.close(), other.close()];
    // The broker has closed it, and we have not heard of that yet.
    await Promise.resolve();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    other.send('basic.ack', { deliveryTag });
    const refused = [other.publish('', queue, {}, Buffer.from('y')), other.get(queue), other.consume(queue, { onMessage() {}, onCancelled() {} })];
    expect((await Promise.allSettled(refused)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await Promise.all(closing);
    expect(await other.closed).toBeUndefined();
    // It was not acknowledged.
    channel.send('basic.ack', { deliveryTag: (await take()).deliveryTag });
    expect(await channel.get(queue)).toBeUndefined();
  });

  test('a consumer whose queue is deleted is told', async () => {
    const other = await connection.openChannel();
    await other.call('queue.declare', { queue: `${queue}-short` }, 'queue.declare-ok');
    const cancelled = new Promise<void>((resolve) => void other.consume(`${queue}-short`, { onMessage: () => undefined, onCancelled: resolve }));
    await channel.call('queue.delete', { queue: `${queue}-short` }, 'queue.delete-ok');
    await cancelled;
    await other.close();
  });

  test('5,000 publishes in flight are all confirmed, and delivered in order', async () => {
    const other = await connection.openChannel();
    const seen: number[] = [];
    const all = new Promise<void>((resolve) => {
      void channel.consume(queue, {
        onMessage: ({ body, deliveryTag }) => {
          seen.push(Number(Buffer.from(body!).toString()));
          channel.send('basic.ack', { deliveryTag });
          if (seen.length === 5000) resolve();
        },
        onCancelled: () => undefined,
      });
    });
    await Promise.all(Array.from({ length: 5000 }, (_, i) => other.publish('', queue, {}, Buffer.from(String(i)))));
    await all;
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    expect(other.inFlight).toBe(0);
    await other.close();
  });

  test('wrong credentials, a wrong virtual host, a wrong port and a wrong protocol each say what is wrong', async () => {
    await expect(AmqpConnection.open(options({ password: 'wrong' }))).rejects.toThrow(/ACCESS_REFUSED.*403/);
    await expect(AmqpConnection.open(options({ virtualHost: 'nope' }))).rejects.toThrow(/vhost.*not found.*530/i);
    await expect(AmqpConnection.open(options({ port: 1 }))).rejects.toThrow(/cannot connect to 127.0.0.1:1/);
    const management = process.env['CELERIAC_TEST_AMQP_MANAGEMENT'];
    if (management !== undefined) await expect(AmqpConnection.open(options({ port: Number(new URL(management).port) }))).rejects.toThrow();
  });

  test('AMQPLAIN logs in, too', async () => {
    const other = await AmqpConnection.open(options({ mechanism: 'AMQPLAIN' }));
    await other.close();
  });

  // Lengths above 127 are no ASCII: they once went through a string.
  test.runIf(noRabbit === undefined)('AMQPLAIN logs in with a long password, and one that is no ASCII', async () => {
    const password = `${'long'.repeat(40)}ü`;
    await management('PUT', `/api/users/${queue}`, { password, tags: '' });
    await management('PUT', `/api/permissions/%2F/${queue}`, { configure: '', write: '', read: '' });
    const other = await AmqpConnection.open(options({ mechanism: 'AMQPLAIN', username: queue, password }));
    await other.close();
    await management('DELETE', `/api/users/${queue}`);
  });

  test('a silent network is noticed by missing heartbeats; what waits is rejected', async () => {
    const proxy = await TcpProxy.to(Number(port));
    const other = await AmqpConnection.open(options({ port: proxy.port, heartbeatMs: 1000 }));
    const quiet = await other.openChannel();
    proxy.silence();
    const publishing = expect(quiet.publish('', queue, {}, Buffer.from('x'))).rejects.toBeInstanceOf(AmqpConnectionLost);
    expect(await other.closed).toBeInstanceOf(AmqpConnectionLost);
    await publishing;
    await proxy[Symbol.asyncDispose]();
  });

  test('an idle connection lives on its heartbeats', async () => {
    const other = await AmqpConnection.open(options({ heartbeatMs: 1000 }));
    await new Promise((resolve) => setTimeout(resolve, 4500));
    const idle = await other.openChannel();
    await idle.close();
    await other.close();
  });

  test('cut at any byte of what it sends, everything that waits is rejected and nothing hangs', async () => {
    const proxy = await TcpProxy.to(Number(port));
    for (let at = 3; at < 1200; at += 97) {
      proxy.cutAfter(at);
      const attempt = (async () => {
        const other = await AmqpConnection.open(options({ port: proxy.port }));
        const cut = await other.openChannel();
        for (;;) await cut.publish('', queue, { headers: { a: 'x'.repeat(50) } }, Buffer.from('hello'));
      })();
      await expect(attempt).rejects.toThrow();
    }
    await proxy[Symbol.asyncDispose]();
  }, 60_000);
});

const secure = process.env['CELERIAC_TEST_AMQPS'];
const ca = process.env['CELERIAC_TEST_AMQP_CA'];
if (secure === undefined || ca === undefined) test.skip('AMQP over TLS: CELERIAC_TEST_AMQPS and CELERIAC_TEST_AMQP_CA are not set', () => undefined);

describe.runIf(secure !== undefined && ca !== undefined)('with a real RabbitMQ over TLS', () => {
  const open = (tls: AmqpOptions['tls']): Promise<AmqpConnection> => {
    const { hostname, port } = new URL(secure!);
    return AmqpConnection.open({
      host: hostname,
      port: Number(port),
      username: 'guest',
      password: 'guest',
      virtualHost: '/',
      name: 'celeriac/test',
      tls,
      clock: systemClock,
      timeoutMs: 4000,
      heartbeatMs: 0,
      maxMessageBytes: 1_000_000,
    });
  };

  test('a server whose authority is known is trusted, and a large body arrives', async () => {
    const connection = await open({ ca: readFileSync(ca!) });
    const channel = await connection.openChannel();
    const queue = `client-tls-${process.pid}`;
    await channel.call('queue.declare', { queue, exclusive: true }, 'queue.declare-ok');
    await channel.publish('', queue, {}, Buffer.alloc(300_000, 'x'));
    expect((await channel.get(queue))!.bodyBytes).toBe(300_000);
    await connection.close();
  });

  test('a client certificate is shown when asked for', async () => {
    const folder = ca!.replace(/ca\.pem$/, '');
    const connection = await open({ ca: readFileSync(ca!), cert: readFileSync(`${folder}client.pem`), key: readFileSync(`${folder}client.key`) });
    await connection.close();
  });

  test('a server that nobody vouches for is refused, and the error says so', async () => {
    await expect(open({})).rejects.toThrow(/cannot connect to localhost.*certificate/);
  });
});
