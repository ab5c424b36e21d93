import { expect, test } from 'vitest';
import { createFixture } from '../../../test/support/worker.ts';
import { type Deferred, deferred } from '../../kernel/deferred.ts';
import type { Consumer } from '../../messaging/consumer.ts';
import { watchdog } from './watchdog.ts';

function setUp(messages: () => Promise<number>, next: () => Promise<string | undefined> = () => Promise.resolve('taken by hand')) {
  const { clock, context } = createFixture();
  const reasons: string[] = [];
  const channel = { queueInfo: async (name: string) => ({ name, messages: await messages(), consumers: 1 }), get: next };
  const consumer = { queues: ['celery'], channel, resubscribe: (reason: string) => void reasons.push(reason) } as unknown as Consumer;
  const taken: unknown[] = [];
  const dog = watchdog(context, (delivery) => void taken.push(delivery));
  dog.watch(consumer);
  return { clock, context, dog, reasons, taken };
}

test('subscribes again when the broker has work, there is room, and nothing comes', async () => {
  const { clock, reasons, taken } = setUp(() => Promise.resolve(3));
  await clock.advance(19_000);
  expect(reasons).toEqual([]);
  await clock.advance(2000);
  expect(reasons).toEqual(['messages wait, but none came for 20 s']);
  expect(taken).toEqual(['taken by hand']);
});

test('also when the broker does not answer at all', async () => {
  const { clock, reasons } = setUp(() => new Promise(() => undefined));
  await clock.advance(31_000);
  expect(reasons).toEqual(['the broker does not answer']);
});

test('runs a message that was taken for it after it had given up waiting for the answer', async () => {
  const answer = deferred<string | undefined>();
  const { clock, reasons, taken } = setUp(
    () => Promise.resolve(3),
    () => answer.promise,
  );
  await clock.advance(26_000);
  expect(reasons).toEqual(['the broker does not answer']);
  expect(taken).toEqual([]);
  answer.resolve('late');
  await clock.advance(0);
  expect(taken).toEqual(['late']);
});

test('and takes it calmly when that answer is that there was none, or an error', async () => {
  for (const end of [
    (answer: Deferred<string | undefined>) => answer.resolve(undefined),
    (answer: Deferred<string | undefined>) => answer.reject(new Error('gone')),
  ]) {
    const answer = deferred<string | undefined>();
    const { clock, taken } = setUp(
      () => Promise.resolve(3),
      () => answer.promise,
    );
    await clock.advance(26_000);
    end(answer);
    await clock.advance(0);
    expect(taken).toEqual([]);
  }
});

test('is quiet while messages come, while there are none or none due, and while there is no room', async () => {
  const later = setUp(
    () => Promise.resolve(3),
    () => Promise.resolve(undefined),
  );
  await later.clock.advance(60_000);
  expect(later.reasons).toEqual([]);
  const idle = setUp(() => Promise.resolve(0));
  await idle.clock.advance(60_000);
  expect(idle.reasons).toEqual([]);
  const busy = setUp(() => Promise.resolve(3));
  for (let i = 0; i < 12; i++) {
    busy.dog.seen();
    await busy.clock.advance(5000);
  }
  expect(busy.reasons).toEqual([]);
  const full = setUp(() => Promise.resolve(3));
  full.context.isTaking = false;
  await full.clock.advance(60_000);
  expect(full.reasons).toEqual([]);
});
