import { expect, test } from 'vitest';
import { OperationalError } from '../../errors.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { jsonCodec } from '../../testing/conformance/backend.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';
import type { Channel, ConsumeOptions, Delivery } from '../../transports/transport.ts';
import type { BackendOptions } from '../backend.ts';
import { pushWatch } from '../push-watch.ts';
import { ReplyQueue } from './reply-queue.ts';

/** A reply queue on a broker whose messages and faults are in the test's hands. */
function world({ onConsume }: { readonly onConsume?: (options: ConsumeOptions | undefined) => void } = {}) {
  const at: { opened: number; closed: number; deliver?: (delivery: Delivery) => void } = { opened: 0, closed: 0 };
  const openChannel = (): Promise<Channel> => {
    at.opened += 1;
    const channel: Partial<Channel> = {
      closed: new Promise<never>(() => undefined),
      declareQueue: () => Promise.resolve({ name: 'me', messages: 0, consumers: 0 }),
      consume(_, onDelivery, options) {
        at.deliver = onDelivery;
        onConsume?.(options);
        return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() });
      },
      [Symbol.asyncDispose]: () => Promise.resolve(void (at.closed += 1)),
    };
    return Promise.resolve(channel as Channel);
  };
  const options: Partial<BackendOptions> = { codec: jsonCodec, clock: createFakeClock(), log: silentLogger, expiresMs: null };
  const queue = new ReplyQueue(options as BackendOptions, { replyTo: 'me', openChannel, [Symbol.asyncDispose]: () => Promise.resolve() });
  const answer = (task_id: string, result: string): void => {
    const text = JSON.stringify({ task_id, status: 'SUCCESS', result, traceback: null, children: [] });
    const message = { body: { text }, contentType: 'application/json', contentEncoding: 'utf-8', headers: {}, properties: {} };
    at.deliver!({ message } as Delivery);
  };
  const wait = async (id: string): Promise<unknown> => {
    for await (const meta of pushWatch(queue, [id], { states: 'final', signal: new AbortController().signal })) return meta.result.value();
    return undefined;
  };
  return { at, queue, answer, wait };
}

const LONG = 'x'.repeat(2 ** 20);
const ids = Array.from({ length: 40 }, (_, n) => `t${n}`);

test('of long results that were waited for, the newest few are kept', async () => {
  const { queue, answer, wait } = world();
  await queue.listening();
  for (const id of ids) {
    const waiting = wait(id);
    answer(id, LONG);
    expect(await waiting).toBe(LONG);
  }
  expect(ids.filter((id) => queue.last(id) !== undefined)).toEqual(ids.slice(-15));
});

test('of long results that came before somebody asked, all are there, and then the newest few', async () => {
  const { queue, answer, wait } = world();
  await queue.listening();
  for (const id of ids) answer(id, LONG);
  for (const id of ids) expect(await wait(id)).toBe(LONG);
  expect(ids.filter((id) => queue.last(id) !== undefined)).toEqual(ids.slice(-15));
});

test('whoever asks again gets the same, several who wait, too; forgotten is forgotten', async () => {
  const { queue, answer, wait } = world();
  await queue.listening();
  const waiting = [wait('a'), wait('a')];
  answer('a', 'first');
  answer('a', 'second');
  expect(await Promise.all([...waiting, wait('a')])).toEqual(['first', 'first', 'first']);
  expect(queue.last('a')).toMatchObject({ status: 'SUCCESS' });
  queue.forget('a');
  expect(queue.last('a')).toBeUndefined();
});

test('one result that is longer than all that is kept can be asked for twice', async () => {
  const { queue, answer, wait } = world();
  await queue.listening();
  answer('a', LONG.repeat(17));
  expect(queue.last('a')).toMatchObject({ status: 'SUCCESS' });
  expect(await wait('a')).toHaveLength(17 * LONG.length);
});

test('a consumer that is cancelled as soon as it has begun is not listening, and the next one is', async () => {
  let isDeleted = true;
  const { at, queue, answer, wait } = world({
    onConsume(options) {
      if (isDeleted) options?.onCancelled?.(new OperationalError('the broker cancelled the consumer'));
      isDeleted = false;
    },
  });
  await expect(queue.listening()).rejects.toThrow('the broker cancelled the consumer');
  expect(at).toMatchObject({ opened: 1, closed: 1 });
  await queue.listening();
  expect(queue.listening()).toBeUndefined();
  const waiting = wait('a');
  answer('a', 'there');
  expect(await waiting).toBe('there');
});
