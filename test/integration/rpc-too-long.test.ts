import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BackendStoreError, Celery, chain, PreconditionFailed } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { noOwnRabbit, OwnRabbit } from '../support/own-rabbitmq.ts';

/* A RabbitMQ that takes no long messages: it closes the channel over each, and whatever else is on its way there is lost with it. */
describe.skipIf(noOwnRabbit !== undefined)('messages longer than max_message_size', { timeout: 120_000 }, () => {
  const MAX = 100_000;
  const here: { rabbit?: OwnRabbit } = {};
  beforeAll(async () => {
    here.rabbit = await OwnRabbit.start();
    await here.rabbit.ctl('eval', `application:set_env(rabbit, max_message_size, ${MAX}).`);
  }, 180_000);
  afterAll(() => here.rabbit?.[Symbol.asyncDispose](), 60_000);

  async function started(acksLate: boolean) {
    const app = new Celery('proj', {
      broker: here.rabbit!.url,
      backend: 'rpc://',
      taskDefaultQueue: crypto.randomUUID(),
      taskAcksLate: acksLate,
      log: silentLogger,
    });
    const worker = new Worker(app, { hostname: 'w@box', concurrency: 10 });
    onTestFinished(async () => {
      await worker.stop({ mode: 'cold' });
      await app.close();
    });
    const text = app.task('proj.text', (length: number) => 'x'.repeat(length));
    const failing = app.task('proj.failing', (letters: number) => {
      throw new RangeError(`it failed: ${'x'.repeat(letters)}`);
    });
    const length = app.task('proj.length', (given: string) => given.length);
    await worker.start();
    return { text, length, failing };
  }

  // features: 5-080
  test.each([false, true])('a result that is too long is a BackendStoreError to its caller; those beside it arrive (acksLate: %s)', async (acksLate) => {
    const { text } = await started(acksLate);
    for (let round = 0; round < 3; round += 1) {
      const results = await Promise.all([...Array.from({ length: 8 }, (_, n) => text.delay(n)), text.delay(2 * MAX), text.delay(MAX / 2)]);
      const ends = await Promise.all(results.map((result) => result.get({ timeout: 60, propagate: false })));
      expect(ends.map((end) => (typeof end === 'string' ? end.length : end))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, expect.any(Error), MAX / 2]);
      const refused = ends[8] as Error;
      expect(refused).toBeInstanceOf(BackendStoreError);
      expect(refused.message).toMatch(/longer than the broker takes: its max_message_size is 100000/);
    }
  });

  test('a call that is too long is refused at once; one that follows from a task fails that task', async () => {
    const { text, length } = await started(false);
    await expect(length.delay('x'.repeat(2 * MAX))).rejects.toBeInstanceOf(PreconditionFailed);
    const result = await chain(text.s(2 * MAX), length.s()).delay();
    await expect(result.parent!.get({ timeout: 60 })).rejects.toThrow(/longer than the broker takes/);
    await expect(result.get({ timeout: 60 })).rejects.toThrow(/longer than the broker takes/);
    expect(await (await length.delay('x')).get({ timeout: 60 })).toBe(1);
  });

  // features: 5-080
  test.each([false, true])(
    'an error whose text is too long is the same error to its caller, with the beginning of its text (acksLate: %s)',
    async (acksLate) => {
      const { text, length, failing } = await started(acksLate);
      const error = (await (await failing.delay(2 * MAX)).get({ timeout: 60, propagate: false })) as Error;
      expect(error).toMatchObject({ type: 'ValueError' });
      expect(error.message).toMatch(/^it failed: x{900,1000}… \(200011 characters, too long for the result store\)$/);
      const next = await chain(failing.s(2 * MAX), length.si('x')).delay();
      await expect(next.get({ timeout: 60 })).rejects.toThrow(/it failed: x+…/);
      expect(await (await text.delay(3)).get({ timeout: 60 })).toBe('xxx');
    },
  );
});
