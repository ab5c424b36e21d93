import { describe, expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import type { AsyncResult } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { MethodName } from '../../src/clients/amqp/methods.ts';
import { AmqpProxy } from '../support/amqp-proxy.ts';
import { workerOn } from '../support/faulty-road.ts';
import { noRabbit, rabbitVhost } from '../support/rabbitmq.ts';

const vhost = await rabbitVhost();
if (noRabbit !== undefined) console.warn(`skipped: ${noRabbit}`);

/* The connection is reset in the midst of a method: the broker has half the frame. The worker says so, goes on within seconds, and nothing is lost. */
describe.skipIf(vhost === undefined)('a worker on RabbitMQ whose connection is reset in the midst of', () => {
  async function setUp() {
    const proxy = await AmqpProxy.to(vhost!.port);
    const url = new URL(vhost!.url);
    url.port = String(proxy.port);
    const road = await workerOn({ url: url.href, directUrl: vhost!.url });
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    /** Each of them runs, however often. */
    const runsAll = async (names: readonly string[]): Promise<void> => {
      await expect.poll(() => names.filter((name) => !road.late.includes(name)), { timeout: 10_000 }).toEqual([]);
    };
    /** A task that is running. By then the broker has heard the acks of those before it. */
    const holds = async (name: string): Promise<AsyncResult<unknown>> => {
      const result = await road.outside.sendTask('proj.gate', [name]);
      await expect.poll(() => road.runs, { timeout: 10_000 }).toContain(name);
      return result;
    };
    return { ...road, proxy, runsAll, holds };
  }
  const names = (prefix: string): string[] => Array.from({ length: 50 }, (_, i) => `${prefix}${i}`);

  test('basic.ack: what it had not acknowledged comes again, nothing is lost', async () => {
    const { proxy, holds, outside, resumes, runsAll, warnings, runs, gates } = await setUp();
    const held = await holds('held');
    const cut = proxy.cutIn('basic.ack');
    gates.get('held')!();
    await cut;
    const since = Date.now();
    await Promise.all(names('t').map((name) => outside.sendTask('proj.late', [name])));
    await resumes('TCP reset in basic.ack (its task runs again)', since);
    await runsAll(names('t'));
    await expect.poll(() => runs, { timeout: 10_000 }).toEqual(['held', 'held']);
    gates.get('held')!();
    expect(await held.get({ timeout: 10 })).toBe('held');
    expect(warnings()).toEqual([expect.stringContaining('lost the connection')]);
  });

  test('basic.publish: the next link of a chain is sent again, and arrives once', async () => {
    const { proxy, app, outside, resumes, warnings, add, works } = await setUp();
    const seen: number[] = [];
    app.task('proj.seen', (value: number) => void seen.push(value));
    await works();
    const cut = proxy.cutIn('basic.publish');
    const chained = await outside.declare<(x: number, y: number) => number>('proj.add').s(1, 1).pipe(add.s(10)).pipe(app.signature('proj.seen')).delay();
    await cut;
    await resumes('TCP reset in basic.publish', Date.now());
    await chained.get({ timeout: 10 });
    expect(seen).toEqual([12]);
    expect(warnings().filter((line) => line.includes('lost the connection'))).toHaveLength(1);
  });

  test('channel.open, where somebody publishes: it is sent again', async () => {
    const { queue, runsAll } = await setUp();
    const proxy = await AmqpProxy.to(vhost!.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const url = new URL(vhost!.url);
    url.port = String(proxy.port);
    const other = new Celery('proj', { broker: url.href, taskDefaultQueue: queue, log: silentLogger });
    onTestFinished(() => other.close());
    const cut = proxy.cutIn('channel.open');
    await other.sendTask('proj.late', ['again']);
    await cut;
    await runsAll(['again']);
  });

  // The first reset breaks the connection that works, the second one the attempt to have another.
  const opening: readonly MethodName[] = [
    'connection.start-ok',
    'connection.tune-ok',
    'connection.open',
    'channel.open',
    'exchange.declare',
    'queue.declare',
    'queue.bind',
    'basic.qos',
    'basic.consume',
  ];
  test.each(opening)('%s: it begins anew', async (method) => {
    const { proxy, outside, resumes, runsAll } = await setUp();
    const cut = proxy.cutIn(method);
    proxy.reset();
    await Promise.all(names(method).map((name) => outside.sendTask('proj.late', [name])));
    await cut;
    await resumes(`TCP reset in ${method}`, Date.now());
    await runsAll(names(method));
  });

  test.each(['channel.close', 'connection.close', 'basic.cancel'] as const)('%s: a stop ends nevertheless, and loses nothing', async (method) => {
    const { proxy, holds, worker, warnings, queue, channel, gates } = await setUp();
    await holds('held');
    const cut = proxy.cutIn(method);
    const stopping = worker.stop();
    const since = Date.now();
    if (method !== 'basic.cancel') gates.get('held')!();
    await cut;
    gates.get('held')!();
    await stopping;
    const tookMs = Date.now() - since;
    process.stdout.write(`fault: TCP reset in ${method}: stopped after ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(10_000);
    expect(warnings().filter((line) => !line.includes('lost the connection'))).toEqual([]);
    // Done, or to be done by another.
    const other = await channel();
    const left = await other.queueInfo(queue);
    expect(left!.messages).toBe(method === 'basic.cancel' ? 1 : 0);
  });

  test('nothing, but an ack reaches the broker twice: it closes the channel, and what was in hand comes again', async () => {
    const { proxy, holds, outside, resumes, runsAll, warnings, runs, gates } = await setUp();
    await holds('done');
    await holds('running');
    const repeated = proxy.repeat('basic.ack');
    gates.get('done')!();
    await repeated;
    const since = Date.now();
    await Promise.all(names('t').map((name) => outside.sendTask('proj.late', [name])));
    await resumes('late ack (PRECONDITION_FAILED, unknown delivery tag; what runs comes again)', since);
    await runsAll(names('t'));
    await expect.poll(() => runs, { timeout: 10_000 }).toEqual(['done', 'running', 'running']);
    expect(warnings()).toEqual([expect.stringMatching(/the consumer of .* has ended: PRECONDITION_FAILED - unknown delivery tag/)]);
  });
});
