import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workerOn } from '../support/faulty-road.ts';
import { noOwnRabbit, OwnRabbit } from '../support/own-rabbitmq.ts';

if (noOwnRabbit !== undefined) console.warn(`skipped: ${noOwnRabbit}`);

/* What only a RabbitMQ of one's own can be made to do: it goes away and comes back, loses patience, runs out of memory. */
describe.skipIf(noOwnRabbit !== undefined)('a worker goes on by itself when RabbitMQ', { timeout: 120_000 }, () => {
  let rabbit: OwnRabbit;
  beforeAll(async () => {
    rabbit = await OwnRabbit.start();
  }, 180_000);
  afterAll(() => rabbit[Symbol.asyncDispose](), 60_000);
  const road = (settings: Record<string, unknown> = {}) => workerOn({ url: rabbit.url, directUrl: rabbit.url, settings });
  const names = Array.from({ length: 50 }, (_, i) => `t${i}`);

  // Starting takes a node several seconds: the retry waits have grown by then.
  test('stops its application and starts it again', async () => {
    const { outside, resumes, runs, gates, late, warnings, lines } = await road();
    const held = await outside.sendTask('proj.gate', ['held']);
    await expect.poll(() => runs).toEqual(['held']);
    await rabbit.ctl('stop_app');
    // Published while nobody is there: tried again until somebody is.
    const policy = { maxRetries: null, intervalStart: 0.2, intervalStep: 0, intervalMax: 0.2 };
    const sent = Promise.all(names.map((name) => outside.sendTask('proj.late', [name], { retryPolicy: policy })));
    const starting = rabbit.ctl('start_app');
    const since = await rabbit.listens();
    await sent;
    await resumes('node restart (stop_app, start_app)', since);
    await starting;
    await expect.poll(() => names.filter((name) => !late.includes(name)), { timeout: 15_000 }).toEqual([]);
    // Its ack was lost with the node: it is run twice, as late acks say.
    await expect.poll(() => runs, { timeout: 15_000 }).toEqual(['held', 'held']);
    gates.get('held')!();
    expect(await held.get({ timeout: 10 })).toBe('held');
    // One line for each of the two connections that it had.
    expect(warnings().filter((line) => line.includes('lost the connection'))).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining('CONNECTION_FORCED')),
    );
    expect(lines.filter((line) => line.includes('consuming from'))).toHaveLength(1);
  });

  test('waits no longer for an ack (consumer_timeout)', async () => {
    await rabbit.ctl('eval', 'application:set_env(rabbit, consumer_timeout, 2000), application:set_env(rabbit, channel_tick_interval, 500).');
    const { outside, resumes, runs, gates, warnings } = await road();
    const held = await outside.sendTask('proj.gate', ['held']);
    await expect.poll(() => runs).toEqual(['held']);
    await expect.poll(warnings, { timeout: 20_000 }).toHaveLength(1);
    await resumes('consumer_timeout (the task that took too long runs again)', Date.now());
    expect(warnings()[0]).toMatch(/the consumer of .* has ended: PRECONDITION_FAILED - delivery acknowledgement .* timed out.*consumer_timeout of RabbitMQ/);
    await expect.poll(() => runs.length, { timeout: 10_000 }).toBeGreaterThan(1);
    await rabbit.ctl('eval', 'application:set_env(rabbit, consumer_timeout, 1800000).');
    gates.get('held')!();
    expect(await held.get({ timeout: 10 })).toBe('held');
  });

  test('runs out of memory: what waits is worked off, what is published waits, each told once', async () => {
    const { outside, late, lines, gates, runs, queue, resumes, warnings } = await road({ brokerHeartbeat: 2 });
    const held = ['g0', 'g1', 'g2', 'g3'];
    for (const name of held) await outside.sendTask('proj.gate', [name]);
    await expect.poll(() => runs.length).toBe(held.length);
    await Promise.all(names.map((name) => outside.sendTask('proj.late', [name])));
    await rabbit.ctl('set_vm_memory_high_watermark', '0.0000001');
    let isConfirmed = false;
    const sent = outside.sendTask('proj.late', ['waits']).then(() => (isConfirmed = true));
    // The worker publishes all the time: its heartbeat events.
    const told = (text: string): readonly string[] => lines.filter((line) => line.includes(text));
    await expect.poll(() => told('takes no messages'), { timeout: 20_000 }).toHaveLength(1);
    for (const open of gates.values()) open();
    await expect.poll(() => late.length, { timeout: 20_000 }).toBe(names.length);
    // Its acks are heard, too: nothing is left, and nobody's connection is taken for dead.
    await expect.poll(() => rabbit.ctl('list_queues', 'name', 'messages'), { timeout: 20_000, interval: 1000 }).toMatch(new RegExp(`^${queue}\\s+0$`, 'm'));
    expect(isConfirmed).toBe(false);
    await rabbit.ctl('set_vm_memory_high_watermark', 'absolute', '1GB');
    await resumes('memory alarm, once it is over', Date.now());
    await sent;
    await expect.poll(() => late.at(-1), { timeout: 10_000 }).toBe('waits');
    expect(told('takes messages again')).toHaveLength(1);
    expect(warnings().filter((line) => !line.includes('RabbitMQ takes'))).toEqual([]);
  });
});
