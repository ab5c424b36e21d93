import { expect, test } from 'vitest';
import { ImproperlyConfigured, OperationalError } from '../errors.ts';
import { deferred } from '../kernel/deferred.ts';
import type { Logger } from '../kernel/logger.ts';
import { createFakeClock, type FakeClock } from '../testing/fake-clock.ts';
import type { BrokerConnection, ConnectOptions, Transport } from '../transports/transport.ts';
import { openLink, type LinkOptions } from './connection.ts';
import type { BrokerLink } from './link.ts';

interface Broker {
  readonly tried: string[];
  readonly lines: string[];
  readonly clock: FakeClock;
  /** Ends the connection that is open. */
  drop(reason: Error): void;
  answer: (options: ConnectOptions) => Promise<void>;
}

function broker(options: Partial<LinkOptions> & { readonly hosts?: readonly string[] } = {}): { link: BrokerLink; broker: Broker } {
  const open: { closed: (reason: Error | undefined) => void }[] = [];
  const clock = createFakeClock();
  const line = (level: string) => (message: string) => void made.lines.push(`${level} ${message}`);
  const log: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error'), critical: line('critical') };
  const made: Broker = { tried: [], lines: [], clock, drop: (reason) => open.pop()!.closed(reason), answer: () => Promise.resolve() };
  const transport = {
    name: 'fake',
    async connect(connect: ConnectOptions): Promise<BrokerConnection> {
      made.tried.push(connect.url.host);
      await made.answer(connect);
      const closed = deferred<Error | undefined>();
      open.push({ closed: closed.resolve });
      return { closed: closed.promise, openChannel: () => Promise.reject(new Error('none')), [Symbol.asyncDispose]: async () => closed.resolve(undefined) };
    },
  } as unknown as Transport;
  const urls = (options.hosts ?? ['one']).map((host) => new URL(`fake://user:secret@${host}/`));
  const link = openLink({
    transport,
    urls,
    clock,
    log,
    maxRetries: null,
    owner: 'me',
    timeoutMs: 1000,
    heartbeatMs: 0,
    transportOptions: {},
    role: 'test',
    maxMessageBytes: 1000,
    ...options,
  });
  return { link, broker: made };
}

test('callers share one attempt and one connection', async () => {
  const { link, broker: b } = broker();
  expect(link.isConnected).toBe(false);
  const [first, second] = await Promise.all([link.connection(), link.connection()]);
  expect(first).toBe(second);
  expect(await link.connection()).toBe(first);
  expect(b.tried).toEqual(['one']);
  expect(link.isConnected).toBe(true);
});

test('fails over to the next URL, and stays with the one that works', async () => {
  const { link, broker: b } = broker({ hosts: ['one', 'two', 'three'] });
  b.answer = ({ url }) => (url.host === 'one' ? Promise.reject(new OperationalError('refused')) : Promise.resolve());
  await link.connection();
  expect(b.tried).toEqual(['one', 'two']);
  b.drop(new Error('gone'));
  await Promise.resolve();
  await expect.poll(() => link.isConnected).toBe(false);
  await link.connection();
  expect(b.tried).toEqual(['one', 'two', 'two']);
});

test('backs off between rounds, says so once each, and hides passwords', async () => {
  const { link, broker: b } = broker({ hosts: ['one', 'two'] });
  b.answer = () => Promise.reject(new OperationalError('no fake://user:secret@one/ here'));
  const connecting = link.connection();
  await b.clock.advance(0);
  expect(b.tried).toEqual(['one', 'two']);
  await b.clock.advance(1999);
  expect(b.tried).toHaveLength(2);
  await b.clock.advance(1);
  expect(b.tried).toHaveLength(4);
  b.answer = () => Promise.resolve();
  await b.clock.advance(4000);
  await connecting;
  expect(b.lines).toHaveLength(2);
  expect(b.lines[0]).toMatch(/^error cannot connect to fake:\/\/user:\*\*@one\/, .*Trying again in 2\.00 seconds/);
  expect(b.lines.join()).not.toContain('secret');
});

test('looks for the broker within long waits, too, without a word and without counting it', async () => {
  const { link, broker: b } = broker({ maxRetries: 8, random: () => 0.5 });
  b.answer = () => Promise.reject(new OperationalError('refused'));
  const connecting = link.connection();
  connecting.catch(() => undefined);
  // Rounds are counted at 0, 2, 6, 12 and 20 s, as kombu's; looks come every 2 s.
  await b.clock.advance(20_999);
  const told = (): readonly string[] => b.lines.filter((text) => text.startsWith('error'));
  expect(told()).toHaveLength(5);
  expect(told().at(-1)).toMatch(/Trying again in 10\.00 seconds, or as soon as it answers \(5\/8\)/);
  expect(b.tried).toHaveLength(11);
  b.answer = () => Promise.resolve();
  await b.clock.advance(2000);
  await connecting;
  expect(told()).toHaveLength(5);
});

test('gives up with OperationalError after the rounds it was given', async () => {
  const { link, broker: b } = broker({ maxRetries: 1 });
  b.answer = () => Promise.reject(new OperationalError('refused'));
  const connecting = link.connection();
  connecting.catch(() => undefined);
  await b.clock.advance(2000);
  await expect(connecting).rejects.toThrow(/cannot connect to fake:\/\/user:\*\*@one\/: refused/);
  expect(b.tried).toHaveLength(2);
});

test.each([
  ['cannot reach fake://user:secret@one/: refused', { hosts: ['one'] }, 'cannot connect to fake://user:**@one/: refused'],
  [
    'cannot connect to two:1: refused',
    { hosts: ['one', 'two'] },
    'cannot connect to fake://user:**@one/, fake://user:**@two/: cannot connect to two:1: refused',
  ],
])('%s: of one server it is said once where it is', async (message, options, told) => {
  const { link, broker: b } = broker({ maxRetries: 0, ...options });
  b.answer = () => Promise.reject(new OperationalError(message));
  await expect(link.connection()).rejects.toThrow(new OperationalError(told));
});

test('does not repeat what cannot succeed', async () => {
  const { link, broker: b } = broker();
  b.answer = () => Promise.reject(new ImproperlyConfigured('install ioredis'));
  await expect(link.connection()).rejects.toThrow(ImproperlyConfigured);
  expect(b.tried).toHaveLength(1);
});

test('a driver that never answers is given up, and its late connection closed', async () => {
  const { link, broker: b } = broker({ maxRetries: 0 });
  const late = deferred<void>();
  b.answer = () => late.promise;
  const connecting = link.connection();
  connecting.catch(() => undefined);
  await b.clock.advance(2001);
  await expect(connecting).rejects.toThrow(/no answer within 1000 ms/);
  expect(link.isConnected).toBe(false);
  late.resolve();
  await b.clock.advance(0);
  expect(link.isConnected).toBe(false);
});

test('a loss is heard and logged once; the return too', async () => {
  const { link, broker: b } = broker();
  const lost: string[] = [];
  link.onLost((reason) => void lost.push(reason.message));
  await link.connection();
  b.drop(new Error('reset by peer'));
  await b.clock.advance(0);
  await link.connection();
  expect(lost).toEqual(['reset by peer']);
  expect(b.lines).toEqual([
    expect.stringContaining('lost the connection to fake://user:**@one/: reset by peer'),
    expect.stringContaining('connected to fake://user:**@one/ again'),
  ]);
});

test('connections that are lost at once again and again are met with back-off, and one that lasted is not', async () => {
  const { link, broker: b } = broker();
  /** How long it takes to have another after this one was lost. */
  const reconnectsAfter = async (lastedMs: number): Promise<number> => {
    await b.clock.advance(lastedMs);
    b.drop(new Error('frame error'));
    await b.clock.advance(0);
    const since = b.clock.monotonic();
    void link.connection();
    for (await b.clock.advance(0); !link.isConnected;) await b.clock.advance(500);
    return b.clock.monotonic() - since;
  };
  await link.connection();
  const waits: number[] = [];
  for (const lastedMs of [50, 50, 50, 4999, 5000, 50, 50]) waits.push(await reconnectsAfter(lastedMs));
  expect(waits).toEqual([0, 500, 1000, 1500, 0, 0, 500]);
  expect(b.lines.filter((text) => text.includes('in a row'))).toHaveLength(4);
  expect(b.lines.find((text) => text.includes('3 in a row have lasted less than 5 s: connecting again in 1 s'))).toBeDefined();
  for (let i = 0; i < 50; i++) waits.push(await reconnectsAfter(50));
  expect(Math.max(...waits)).toBe(2000);
});

test('nobody waits for what was lost long ago, and a close ends the wait', async () => {
  const { link, broker: b } = broker();
  const lose = async (): Promise<void> => {
    await link.connection();
    b.drop(new Error('frame error'));
    await b.clock.advance(0);
  };
  await lose();
  await lose();
  await b.clock.advance(60_000);
  await lose();
  expect(b.tried).toHaveLength(3);
  const waiting = link.connection();
  waiting.catch(() => undefined);
  await b.clock.advance(0);
  await link.close();
  await expect(waiting).rejects.toThrow(/closed/);
  expect(b.tried).toHaveLength(3);
  expect(b.clock.pending).toBe(0);
});

test('an abort ends the waiting of one caller, not of the others', async () => {
  const { link, broker: b } = broker();
  const slow = deferred<void>();
  b.answer = () => slow.promise;
  const impatient = new AbortController();
  const one = link.connection(impatient.signal);
  const other = link.connection();
  impatient.abort(new Error('enough'));
  await expect(one).rejects.toThrow(OperationalError);
  slow.resolve();
  await expect(other).resolves.toBeDefined();
});

test('closing ends waiting callers and refuses new ones', async () => {
  const { link, broker: b } = broker();
  b.answer = () => Promise.reject(new OperationalError('refused'));
  const connecting = link.connection();
  connecting.catch(() => undefined);
  await b.clock.advance(0);
  await link.close();
  await expect(connecting).rejects.toThrow(/closed/);
  await expect(link.connection()).rejects.toThrow(/closed/);
  expect(b.clock.pending).toBe(0);
});
