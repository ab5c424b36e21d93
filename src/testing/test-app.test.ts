import { afterEach, describe, expect, test } from 'vitest';
import { Celery } from '../app/celery.ts';
import { chain } from '../canvas/chain.ts';
import { createTestApp, expectEnqueued, expectNotEnqueued, runTask, startTestWorker, type TestApp } from './index.ts';

// A broker that nobody reaches: a test that does not borrow the app fails.
const app = new Celery('shop', { broker: 'redis://127.0.0.1:1/0', backend: 'redis://127.0.0.1:1/0' });
const add = app.task('shop.add', (x: number, y: number) => x + y);
const remind = app.task('shop.remind', { bind: true, maxRetries: 2 }, async (self, who: string) => {
  await self.updateState({ state: 'WRITING', meta: { who } });
  if (self.request.retries < 2) throw self.retry({ countdown: '1h' });
  return `${who} knows`;
});
const order = app.task('shop.order', async (id: number) => {
  await add.applyAsync([id, 1], { queue: 'sums', countdown: '10m' });
  return id;
});

const opened: TestApp[] = [];
const borrowed = (): TestApp => {
  const made = createTestApp({ from: app });
  opened.push(made);
  return made;
};
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

describe('an app under test', () => {
  test('runs its tasks in memory, and is what it was when the test is over', async () => {
    await using made = createTestApp({ from: app });
    expect(app.conf.brokerUrl).toMatch(/^memory:/);
    const result = await add.delay(2, 2);
    expectEnqueued(made, add, { args: [2, 2], queue: 'celery', times: 1 });
    expect(await made.drain()).toBe(1);
    expect(await result.get()).toBe(4);
    expect(await made.drain()).toBe(0);
    await made.close();
    expect(app.conf.brokerUrl).toBe('redis://127.0.0.1:1/0');
    expect(app.now().getTime()).toBeGreaterThan(Date.UTC(2026, 0, 2));
  });

  test('waits for nothing: countdowns and retries come when time is told to move', async () => {
    const made = borrowed();
    expect(made.clock.now).toEqual(new Date('2026-01-01T00:00:00Z'));
    const result = await remind.applyAsync(['ada'], { countdown: '1h' });
    expect(await made.drain()).toBe(0);
    await made.clock.advance('1h');
    expect(await made.drain()).toBe(1);
    expect(await result.state()).toBe('RETRY');
    await made.clock.advance('1h');
    await made.drain();
    await made.clock.set(new Date('2026-01-01T03:00:00Z'));
    await made.drain();
    expect(await result.get()).toBe('ada knows');
    expect(made.enqueued(remind).map(({ retries, eta }) => [retries, eta?.toISOString()])).toEqual([
      [0, '2026-01-01T01:00:00.000Z'],
      [1, '2026-01-01T02:00:00.000Z'],
      [2, '2026-01-01T03:00:00.000Z'],
    ]);
  });

  test('a worker runs what is sent, and what that sends', async () => {
    const made = borrowed();
    const worker = await startTestWorker(made, { queues: ['celery', 'sums'] });
    expect(await (await order.delay(5)).get()).toBe(5);
    expectEnqueued(made, add, { args: [5, 1], queue: 'sums' });
    expect(await (await chain(add.s(1, 1), add.s(3)).delay()).get()).toBe(5);
    await made.clock.advance('10m');
    await made.drain();
    expect(worker.stats()).toMatchObject({ total: { 'shop.add': 3, 'shop.order': 1 } });
  });

  test('is borrowed by one test at a time', () => {
    borrowed();
    expect(() => createTestApp({ from: app })).toThrow('a test app has borrowed shop already: close that one first');
  });

  test('what did not leave is told with what did', async () => {
    const made = borrowed();
    expectNotEnqueued(made, add);
    expect(() => expectEnqueued(made, add)).toThrow('expected a call of shop.add, but none was sent');
    await add.delay(1, 2);
    expect(() => expectEnqueued(made, add, { args: [2, 2] })).toThrow(/expected a call of shop\.add with {"args":\[2,2]}, but there were 0\. .*\n.*\[1, 2]/s);
    expect(() => expectEnqueued(made, add, { times: 2 })).toThrow('expected 2 calls of shop.add');
    expect(() => expectNotEnqueued(made, add)).toThrow('expected no call of shop.add, but there were 1');
    expect(() => expectNotEnqueued(app, add)).toThrow('a test app was expected');
  });
});

test('without an app under test it is an app of its own', async () => {
  await using made = createTestApp({ taskDefaultQueue: 'mine', now: new Date('2030-01-01T00:00:00Z') });
  const double = made.task('double', (x: number) => x * 2);
  const result = await double.delay(4);
  expectEnqueued(made, double, { queue: 'mine' });
  await made.drain();
  expect(await result.get()).toBe(8);
  expect(made.now().getUTCFullYear()).toBe(2030);
});

describe('one task', () => {
  test('is run with a made-up request, and tells what it said of itself', async () => {
    expect(await runTask(remind, ['ada'], { request: { retries: 2 } })).toEqual({
      state: 'SUCCESS',
      value: 'ada knows',
      states: [{ state: 'WRITING', meta: { who: 'ada' } }],
    });
    const retried = await runTask(remind, ['ada']);
    expect(retried.state).toBe('RETRY');
    expect(retried.error).toBeInstanceOf(Error);
  });

  test('gives the very error it threw, and hears a signal', async () => {
    const failure = new RangeError('too far');
    const bad = app.task('shop.bad', { bind: true }, (self) => {
      self.signal.throwIfAborted();
      throw failure;
    });
    expect((await runTask(bad, [])).error).toBe(failure);
    const enough = new Error('enough');
    expect((await runTask(bad, [], { signal: AbortSignal.abort(enough) })).error).toBe(enough);
  });
});
