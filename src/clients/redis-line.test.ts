import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { OperationalError, ResponseError } from '../errors.ts';
import { systemClock } from '../kernel/clock.ts';
import { redisAddress } from './redis-address.ts';
import { openRedisLine, type RedisLine } from './redis-line.ts';

/* Against a server of our own that says what the test wants; real ones are in test/conformance/transports/redis-line.test.ts. */

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

/** Answers OK to the introduction, and then whatever `answer` writes. */
async function lineTo(
  answer: (socket: Socket, asked: string) => void,
  options: { readonly answerMs?: number; readonly timeoutMs?: number } = {},
): Promise<RedisLine> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).setNoDelay(true));
    socket.on('data', (data) => {
      const asked = data.toString();
      if (asked.includes('SETNAME') && options.timeoutMs === undefined) socket.write('+OK\r\n');
      else answer(socket, asked);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  opened.push({
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
  const url = new URL(`redis://127.0.0.1:${(server.address() as AddressInfo).port}/0`);
  const { answerMs = 10_000, timeoutMs = 10_000 } = options;
  const line = await openRedisLine(redisAddress(url, { transportOptions: {} }), { name: 'test', timeoutMs, answerMs, clock: systemClock });
  opened.push(line);
  return line;
}

test('writes commands in bytes, and reads each kind of answer', async () => {
  const answers: Record<string, string> = { A: '+fine\r\n', B: ':-7\r\n', C: '$6\r\nä\r\nü\r\n', D: '$-1\r\n', E: '$0\r\n\r\n' };
  const asked: string[] = [];
  const line = await lineTo((socket, command) => {
    asked.push(command);
    socket.write(answers[/^[A-E]$/m.exec(command.replaceAll('\r', ''))![0]]!);
  });
  expect(await line.call('A', 'ä', 12, Buffer.from('x\r\ny'))).toBe('fine');
  expect(asked[0]).toBe('*4\r\n$1\r\nA\r\n$2\r\nä\r\n$2\r\n12\r\n$4\r\nx\r\ny\r\n');
  expect(await line.call('B')).toBe(-7);
  expect(await line.call('C')).toBe('ä\r\nü');
  expect(await line.call('D')).toBeNull();
  expect(await line.call('E')).toBe('');
});

test('an answer may come in any pieces', async () => {
  const line = await lineTo((socket) => {
    void (async () => {
      for (const byte of Buffer.from('$4\r\nüü\r\n')) {
        socket.write(Buffer.from([byte]));
        await systemClock.sleep(2);
      }
    })();
  });
  expect(await line.call('GET', 'k')).toBe('üü');
  expect(await line.call('GET', 'k')).toBe('üü');
});

test('a refusal rejects with the words of the server, and the line goes on', async () => {
  const line = await lineTo((socket, asked) => socket.write(asked.includes('PING') ? '+PONG\r\n' : '-OOM command not allowed\r\n'));
  const error = await line.call('SET', 'a', 'b').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ResponseError);
  expect((error as Error).message).toMatch(/^redis:\/\/127\.0\.0\.1:\d+\/0: OOM command not allowed$/);
  expect(await line.call('PING')).toBe('PONG');
});

test.each([
  ['a list', '*1\r\n+a\r\n', /answers with a list: "\*1/],
  ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', /does not speak Redis's protocol.*HTTP/],
  ['a number that is none', ':x\r\n', /does not speak Redis's protocol/],
  ['two answers', '+a\r\n+b\r\n', /not asked for/],
  ['without an end', '+'.repeat(70_000), /more than 65536 bytes/],
])('%s ends the connection, said in words', async (_, bytes, words) => {
  const line = await lineTo((socket) => socket.write(bytes));
  const error = await line.call('GET', 'k').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(OperationalError);
  expect((error as Error).message).toMatch(words);
  expect(line.isClosed).toBe(true);
  await expect(line.call('GET', 'k')).rejects.toBe(error);
});

test('what comes without having been asked for ends the connection', async () => {
  const line = await lineTo((socket) => {
    socket.write('+OK\r\n');
    setTimeout(() => socket.write('+more\r\n'), 20);
  });
  await line.call('PING');
  await expect.poll(() => line.isClosed, { timeout: 10_000 }).toBe(true);
});

test('one command at a time', async () => {
  const line = await lineTo((socket) => setTimeout(() => socket.write('+OK\r\n'), 50));
  const first = line.call('ONE');
  await expect(line.call('TWO')).rejects.toThrow(/TWO was asked before the last command was answered/);
  expect(await first).toBe('OK');
});

test('a server that says nothing is given up in time: while connecting, and later', async () => {
  const line = await lineTo(() => undefined, { answerMs: 200 });
  await expect(line.call('PING')).rejects.toThrow(/lost the connection to .*: no answer within 0\.2 s/);
  expect(line.isClosed).toBe(true);
  await expect(lineTo(() => undefined, { timeoutMs: 200 })).rejects.toThrow(/cannot reach .*: no connection after 0\.2 s/);
});

test('nobody listens: cannot be reached', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const address = redisAddress(new URL(`redis://user:secret@127.0.0.1:${port}`), { transportOptions: {} });
  const error = await openRedisLine(address, { name: 'test', timeoutMs: 5000, answerMs: 5000, clock: systemClock }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(OperationalError);
  expect((error as Error).message).toMatch(/cannot reach redis:\/\/user:\*\*@.*: connect ECONNREFUSED/);
});
