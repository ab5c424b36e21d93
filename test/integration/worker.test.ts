import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { control, inspect } from '../../src/control/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { WireMessage } from '../../src/protocol/wire-message.ts';
import { Worker } from '../../src/worker/worker.ts';
import type { WorkerOptions } from '../../src/worker/worker.ts';
import { queueName, roads } from '../support/roads.ts';

describe.each(roads)('a worker on $name', (road) => {
  const { skip } = road;
  if (skip !== undefined) console.warn(`skipped on ${road.name}: ${skip}`);
  const it = test.skipIf(skip !== undefined);

  function setUp(settings: Record<string, unknown> = {}) {
    const { broker, backend, close } = road.open();
    const queue = queueName();
    const app = new Celery('proj', { broker, backend, taskDefaultQueue: queue, log: silentLogger, ...settings });
    const running: string[] = [];
    const gates = new Map<string, () => void>();
    const add = app.task('proj.add', (x: number, y: number) => x + y);
    /** Runs until `open(name)`. */
    const gate = app.task('proj.gate', { acksLate: true }, async function (name: string) {
      running.push(name);
      await new Promise<void>((resolve, reject) => {
        gates.set(name, resolve);
        this.signal.addEventListener('abort', () => reject(this.signal.reason as Error));
      });
      return name;
    });
    const fail = app.task('proj.fail', (text: string): number => {
      throw new TypeError(text);
    });
    const workers: Worker[] = [];
    const start = async (options: WorkerOptions = {}): Promise<Worker> => {
      const worker = new Worker(app, { hostname: `w${workers.length + 1}@${queue}`, concurrency: 4, ...options });
      workers.push(worker);
      return worker.start();
    };
    const open = (name: string): void => gates.get(name)!();
    onTestFinished(async () => {
      for (const resolve of gates.values()) resolve();
      await Promise.all(workers.map((worker) => worker.stop({ mode: 'cold' })));
      await app.close();
      close();
    });
    const ask = (worker: Worker) => inspect(app, { destination: [worker.hostname], timeout: 5 });
    return { app, add, gate, fail, queue, running, open, start, ask };
  }

  it('runs a task and gives its result', async () => {
    const { add, start } = setUp();
    await start();
    const result = await add.delay(2, 2);
    expect(await result.get({ timeout: 10 })).toBe(4);
  });

  it('runs what was sent before it came, and many at once', async () => {
    const { app, add, start } = setUp();
    const results = await app.sendMany(Array.from({ length: 300 }, (_, i) => add.si(i, 1)));
    const worker = await start();
    const values = await Promise.all(results.map((result) => result.get({ timeout: 15 })));
    expect(values).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    // Whoever waits hears of a result as soon as the worker itself.
    await expect.poll(() => worker.stats()).toMatchObject({ total: { 'proj.add': 300 }, ended: { SUCCESS: 300 } });
  });

  it('stores what a task threw', async () => {
    const { fail, start } = setUp();
    await start();
    const result = await fail.delay('not today');
    await expect(result.get({ timeout: 10 })).rejects.toThrow('not today');
    expect(await result.state()).toBe('FAILURE');
  });

  it('does not run a task before its countdown is over', async () => {
    const { add, start } = setUp();
    await start();
    const sentAt = Date.now();
    const result = await add.applyAsync([1, 1], { countdown: '700ms' });
    expect(await result.get({ timeout: 10 })).toBe(2);
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(690);
  });

  // RabbitMQ drops it.
  test.skipIf(road.name.startsWith('amqp') || skip !== undefined)('does not run what has expired, and says so to whoever waits', async () => {
    const { add, start } = setUp();
    const result = await add.applyAsync([1, 1], { expires: new Date(Date.now() - 1000) });
    const later = await add.applyAsync([1, 1], { expires: '100ms', countdown: '200ms' });
    await start();
    for (const one of [result, later]) {
      await expect(one.get({ timeout: 10 })).rejects.toThrow(/expired/);
      expect(await one.state()).toBe('REVOKED');
    }
  });

  it('fails an unknown task, and survives messages that are no tasks', async () => {
    const { app, add, queue, start } = setUp();
    const worker = await start();
    const core = coreOf(app);
    const foreign = (change: Partial<WireMessage>): WireMessage => ({
      body: { text: '{' },
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      headers: {},
      properties: {},
      ...change,
    });
    const publish = (message: WireMessage) => core.publish([{ message, exchange: '', routingKey: queue, options: {} }]);
    await publish(foreign({}));
    await publish(foreign({ contentType: 'application/x-python-serialize' }));
    await publish(foreign({ body: { text: '{"hello": "world"}' } }));
    const unknown = await app.sendTask('proj.nowhere', []);
    await expect(unknown.get({ timeout: 10 })).rejects.toThrow(/proj\.nowhere/);
    expect(await (await add.delay(1, 2)).get({ timeout: 10 })).toBe(3);
    expect(worker.stats()).toMatchObject({ refused: { undecodable: 2, invalid: 1, unknown: 1 } });
  });

  it('a warm stop finishes what runs and gives back the rest, for the next worker', async () => {
    const { gate, add, open, running, start } = setUp();
    const first = await start({ concurrency: 1 });
    const long = await gate.delay('long');
    await expect.poll(() => running).toEqual(['long']);
    const waiting = await Promise.all([add.delay(1, 1), add.delay(2, 2)]);
    const stopped = first.stop();
    expect(await Promise.race([stopped.then(() => 'stopped'), new Promise((resolve) => setTimeout(resolve, 200, 'waits'))])).toBe('waits');
    open('long');
    await stopped;
    await first.closed;
    expect(await long.get({ timeout: 10 })).toBe('long');
    await start();
    expect(await Promise.all(waiting.map((result) => result.get({ timeout: 10 })))).toEqual([2, 4]);
    expect(running).toEqual(['long']);
  });

  it('a cold stop aborts what runs and gives it back', async () => {
    const { gate, open, running, start } = setUp();
    const first = await start();
    const result = await gate.delay('again');
    await expect.poll(() => running).toEqual(['again']);
    await first.stop({ mode: 'cold' });
    await start();
    await expect.poll(() => running, { timeout: 10_000 }).toEqual(['again', 'again']);
    open('again');
    expect(await result.get({ timeout: 10 })).toBe('again');
  });

  it('a warm stop becomes cold when its time is over', async () => {
    const { gate, running, start } = setUp();
    const worker = await start();
    await gate.delay('stuck');
    await expect.poll(() => running).toEqual(['stuck']);
    await worker.stop({ timeout: '200ms' });
    await worker.closed;
  });

  it('answers to ping, active, registered and stats', async () => {
    const { ask, gate, open, queue, running, start } = setUp();
    const worker = await start();
    const { hostname } = worker;
    const result = await gate.delay('shown');
    await expect.poll(() => running).toEqual(['shown']);
    expect(await ask(worker).ping()).toEqual({ [hostname]: { ok: 'pong' } });
    const active = (await ask(worker).active())[hostname];
    expect(active).toMatchObject([{ id: result.id, name: 'proj.gate', args: ['shown'], hostname, acknowledged: false, workerPid: process.pid }]);
    expect((await ask(worker).registered())[hostname]).toEqual(['proj.add', 'proj.fail', 'proj.gate']);
    expect((await ask(worker).activeQueues())[hostname]).toMatchObject([{ name: queue }]);
    expect((await ask(worker).stats())[hostname]).toMatchObject({ pid: process.pid, total: { 'proj.gate': 1 } });
    expect((await ask(worker).queryTask([result.id]))[hostname]).toMatchObject({ [result.id]: ['active', { id: result.id }] });
    open('shown');
  });

  it('a command that does not exist is answered with an error', async () => {
    const { app, start } = setUp();
    const { hostname } = await start();
    expect(await control(app).broadcast('no_such_cmd', {}, { reply: true, destination: [hostname], timeout: 5 })).toEqual({
      [hostname]: { error: "KeyError('no_such_cmd')" },
    });
  });

  it('a revoked task is not run, and whoever waits for it learns of it', async () => {
    const { app, add, gate, open, running, start } = setUp();
    const worker = await start({ concurrency: 1 });
    await gate.delay('first');
    await expect.poll(() => running).toEqual(['first']);
    const result = await add.delay(1, 1);
    await control(app).revoke(result.id, { wait: true, destination: [worker.hostname], timeout: 5 });
    if (road.sendsResults === true) open('first');
    await expect(result.get({ timeout: 10 })).rejects.toThrow(/revoked/);
    open('first');
    await expect.poll(() => worker.stats()['total']).toEqual({ 'proj.gate': 1 });
    expect(await result.state()).toBe('REVOKED');
  });

  it('a result that is revoked with wait has reached the worker then', async () => {
    const { add, ask, queue, start } = setUp();
    const worker = await start();
    const result = await add.applyAsync([1, 1], { queue: `${queue}-unheard` });
    await result.revoke({ wait: true, timeout: 0.5 });
    expect(await ask(worker).revoked()).toEqual({ [worker.hostname]: [result.id] });
  });

  it('a running task is ended by revoke with terminate', async () => {
    const { app, gate, running, start } = setUp();
    const worker = await start();
    const result = await gate.delay('doomed');
    await expect.poll(() => running).toEqual(['doomed']);
    await control(app).revoke(result.id, { terminate: true, wait: true, destination: [worker.hostname], timeout: 5 });
    await expect(result.get({ timeout: 10 })).rejects.toThrow(/terminated/);
  });

  it('a remote shutdown is a warm stop', async () => {
    const { app, add, start } = setUp();
    const worker = await start();
    const result = await add.delay(20, 3);
    expect(await result.get({ timeout: 10 })).toBe(23);
    await control(app).shutdown({ destination: [worker.hostname] });
    await worker.closed;
  });

  it('consumes from one more queue when told, and no longer when told', async () => {
    const { app, add, start } = setUp();
    const worker = await start();
    const extra = queueName();
    const to = { destination: [worker.hostname], timeout: 5 };
    const early = await add.applyAsync([1, 1], { queue: extra });
    expect(await control(app).addConsumer(extra, to)).toEqual({ [worker.hostname]: { ok: `add consumer ${extra}` } });
    expect(await early.get({ timeout: 10 })).toBe(2);
    expect(await control(app).cancelConsumer(extra, to)).toEqual({ [worker.hostname]: { ok: `no longer consuming from ${extra}` } });
    expect((await inspect(app, to).activeQueues())[worker.hostname]).toHaveLength(1);
  });
});
