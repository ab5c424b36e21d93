import { expect, onTestFinished, test } from 'vitest';
import type { AppCore } from './core.ts';
import { systemClock } from '../kernel/clock.ts';
import { LamportClock } from '../kernel/lamport-clock.ts';
import { silentLogger } from '../kernel/logger.ts';
import { openLink } from '../messaging/connection.ts';
import { Mailbox, UnknownCommand } from '../messaging/mailbox.ts';
import type { MailboxRequest } from '../messaging/mailbox.ts';
import { createSerializerRegistry } from '../serialization/index.ts';
import { transport } from '../transports/memory/index.ts';
import { broadcast } from './broadcast.ts';
import { mailboxNames } from './mailbox-names.ts';

const settings = {
  ...{ controlExchange: 'celery', controlQueueExpires: 10, controlQueueTtl: 300, controlQueueDurable: false, controlQueueExclusive: true },
  ...{ taskSerializer: 'json', acceptContent: ['json'], brokerMaxMessageBytes: 1e6 },
} as unknown as AppCore['settings'];

async function setUp(...hostnames: readonly string[]) {
  const url = new URL(`memory://${crypto.randomUUID()}`);
  const open = () =>
    openLink({
      ...{ transport, urls: [url], maxRetries: null, owner: crypto.randomUUID(), timeoutMs: 1000, heartbeatMs: 0 },
      ...{ transportOptions: {}, clock: systemClock, log: silentLogger, role: 'test', maxMessageBytes: 1e6 },
    });
  const common = { clock: systemClock, log: silentLogger, serializers: createSerializerRegistry() };
  const lamport = new LamportClock();
  const hold = (): Disposable => ({ [Symbol.dispose]: () => undefined });
  const core = { ...common, settings, lamport, hold, openLink: () => Promise.resolve(open()) } as unknown as AppCore;
  const heard: string[] = [];
  for (const hostname of hostnames) {
    const link = open();
    const handle = ({ method, args }: MailboxRequest) => {
      heard.push(`${hostname} ${method} ${JSON.stringify(args)}`);
      if (method !== 'ping' && method !== 'say') throw new UnknownCommand(method);
      return { ok: 'pong' };
    };
    const mailbox = new Mailbox({
      ...common,
      link,
      lamport: new LamportClock(100),
      accept: ['json'],
      maxBytes: 1e6,
      serializer: 'json',
      names: mailboxNames(settings),
      hostname,
      handle,
    });
    await mailbox.start();
    onTestFinished(async () => {
      await mailbox.stop();
      await link.close();
    });
  }
  return { core, heard, lamport };
}

const ping = { method: 'ping', args: {}, reply: true };

test('everybody answers, and the clocks meet', async () => {
  const { core, lamport } = await setUp('w1@box', 'w2@box');
  expect(await broadcast(core, ping, { limit: 2, timeout: 5 })).toEqual({ 'w1@box': { ok: 'pong' }, 'w2@box': { ok: 'pong' } });
  expect(lamport.value).toBeGreaterThan(100);
});

test('only those it is for answer, and as many answers as destinations are enough', async () => {
  const { core, heard } = await setUp('w1@box', 'w2@box');
  expect(await broadcast(core, ping, { destination: ['w2@box'], timeout: 60 })).toEqual({ 'w2@box': { ok: 'pong' } });
  expect(heard).toEqual(['w2@box ping {}']);
});

test('without more answers it ends when the time is over', async () => {
  const { core } = await setUp('w1@box');
  expect(await broadcast(core, ping, { pattern: 'w*@box', timeout: '50ms' })).toEqual({ 'w1@box': { ok: 'pong' } });
  expect(await broadcast(core, ping, { pattern: 'x*@box', timeout: '50ms' })).toEqual({});
});

test('a signal ends the waiting', async () => {
  const { core } = await setUp();
  expect(await broadcast(core, ping, { timeout: 60, signal: AbortSignal.timeout(50) })).toEqual({});
});

test('an unknown command is answered in the words of Python', async () => {
  const { core } = await setUp('w1@box');
  const reply = await broadcast(core, { method: 'no_such_cmd', args: {}, reply: true }, { limit: 1, timeout: 5 });
  expect(reply).toEqual({ 'w1@box': { error: "KeyError('no_such_cmd')" } });
});

test('what nobody is to answer is heard all the same', async () => {
  const { core, heard } = await setUp('w1@box');
  expect(await broadcast(core, { method: 'say', args: { n: 1 }, reply: false })).toEqual({});
  await expect.poll(() => heard).toEqual(['w1@box say {"n":1}']);
});
