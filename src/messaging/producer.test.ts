import { expect, test } from 'vitest';
import { EncodeError, OperationalError } from '../errors.ts';
import { deferred } from '../kernel/deferred.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLogger } from '../kernel/logger.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import type { Channel } from '../transports/transport.ts';
import { declarationOf, Queue } from './entities.ts';
import type { BrokerLink } from './link.ts';
import type { OutgoingMessage } from './outgoing.ts';
import { createProducer } from './producer.ts';

function setUp() {
  const calls: string[] = [];
  const channels: { lose(): void }[] = [];
  const control: { publish: () => Promise<void> } = { publish: () => Promise.resolve() };
  const openChannel = async (): Promise<Channel> => {
    calls.push('open');
    const closed = deferred<Error | undefined>();
    channels.push({ lose: () => closed.resolve(new Error('lost')) });
    return {
      closed: closed.promise,
      declareExchange: async ({ name }: { name: string }) => void calls.push(`exchange ${name}`),
      declareQueue: async ({ name }: { name: string }) => void calls.push(`queue ${name}`),
      bind: async ({ queue }: { queue: string }) => void calls.push(`bind ${queue}`),
      publish: (_: unknown, exchange: string, key: string) => {
        calls.push(`publish ${exchange}/${key}`);
        return control.publish();
      },
      [Symbol.asyncDispose]: async () => void calls.push('close'),
    } as unknown as Channel;
  };
  const link = { connection: async () => ({ openChannel }) } as unknown as BrokerLink;
  const clock = createFakeClock();
  return { producer: createProducer(link, clock, silentLogger), calls, channels, control, clock };
}

const queue = declarationOf(new Queue('q'));
const policy = { maxRetries: 2, intervalStartMs: 0, intervalStepMs: 200, intervalMaxMs: 200 };
const message = (more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  message: { body: { text: '' }, contentType: '', contentEncoding: '', headers: {}, properties: {} },
  exchange: '',
  routingKey: 'q',
  options: {},
  declare: queue,
  retryPolicy: policy,
  ...more,
});

test('declares a queue once, however many calls come at once and whoever made the declaration', async () => {
  const { producer, calls } = setUp();
  await Promise.all([producer.publish(message()), producer.publish(message()), producer.publish(message({ declare: structuredClone(queue) }))]);
  await producer.publish(message());
  expect(calls).toEqual(['open', 'exchange q', 'queue q', 'bind q', 'publish /q', 'publish /q', 'publish /q', 'publish /q']);
});

test('tries again after further errors, of the message and of all', async () => {
  const clock = systemClock;
  const link = { connection: async () => ({ openChannel }) } as unknown as BrokerLink;
  const failures: Error[] = [];
  const openChannel = async (): Promise<Channel> =>
    ({
      closed: new Promise(() => undefined),
      publish: async () => {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
      },
    }) as unknown as Channel;
  const producer = createProducer(link, clock, silentLogger, () => [SyntaxError]);
  const quick = { maxRetries: 1, intervalStartMs: 0, intervalStepMs: 0, intervalMaxMs: 0, retryErrors: [RangeError] };
  const sent = (failure: Error) => {
    failures.push(failure);
    return producer.publish({ ...message({ retryPolicy: quick }), declare: undefined });
  };
  await sent(new RangeError('of the message'));
  await sent(new SyntaxError('of all'));
  await expect(sent(new TypeError('of nobody'))).rejects.toThrow('of nobody');
});

test('declares again after the channel was lost', async () => {
  const { producer, calls, channels } = setUp();
  await producer.publish(message());
  channels[0]!.lose();
  await Promise.resolve();
  calls.length = 0;
  await producer.publish(message());
  expect(calls).toEqual(['open', 'exchange q', 'queue q', 'bind q', 'publish /q']);
});

test('tries again as the policy says, then rejects with what the broker said', async () => {
  const { producer, calls, control, clock } = setUp();
  control.publish = () => Promise.reject(new OperationalError('away'));
  const sent = producer.publish(message({ declare: undefined }));
  sent.catch(() => undefined);
  await clock.advance(0);
  expect(calls.filter((call) => call.startsWith('publish'))).toHaveLength(2);
  await clock.advance(200);
  await expect(sent).rejects.toThrow('away');
  expect(calls.filter((call) => call.startsWith('publish'))).toHaveLength(3);
});

test('a message that goes well the second time is sent', async () => {
  const { producer, control, clock } = setUp();
  await producer.publish(message());
  const answers = [Promise.reject(new OperationalError('away')), Promise.resolve()];
  answers[0]!.catch(() => undefined);
  control.publish = () => answers.shift()!;
  const sent = producer.publish(message());
  await clock.advance(0);
  await expect(sent).resolves.toBeUndefined();
});

test('what cannot succeed is not repeated, nor is anything without a policy', async () => {
  const { producer, calls, control } = setUp();
  control.publish = () => Promise.reject(new EncodeError('a symbol'));
  await expect(producer.publish(message({ declare: undefined }))).rejects.toThrow(EncodeError);
  control.publish = () => Promise.reject(new OperationalError('away'));
  await expect(producer.publish(message({ declare: undefined, retryPolicy: null }))).rejects.toThrow('away');
  expect(calls.filter((call) => call.startsWith('publish'))).toHaveLength(2);
});

test('closing waits for what is under way, and refuses what comes after', async () => {
  const { producer, calls, control } = setUp();
  const slow = deferred<void>();
  control.publish = () => slow.promise;
  const sent = producer.publish(message());
  const closing = producer.close();
  slow.resolve();
  await Promise.all([sent, closing]);
  expect(calls.at(-1)).toBe('close');
  await expect(producer.publish(message())).rejects.toThrow(/closed/);
});
