// The messages of a long chain carry all the steps to come, by protocol: ours are hardly larger than Celery's.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Celery, Worker, chain, type Signature } from '../../src/index.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const LENGTHS = [1000, 999, 500, 100, 2];

/** Sends a chain of each length, every step but the first to a queue that nobody reads; the first too where `begins` is not given. */
const CELERY = `
import sys
from celery import Celery, chain
broker, parked, begins, *lengths = sys.argv[1:]
app = Celery('big', broker=broker)
step = lambda queue: app.signature('big.add', args=(1,), queue=queue)
for length in lengths:
    chain([app.signature('big.add', args=(1, 0), queue=begins), *(step(parked) for _ in range(int(length) - 1))]).apply_async()
`;

if (redis === undefined || python === undefined) {
  test.skip('long chains: CELERIAC_TEST_REDIS or CELERIAC_TEST_PYTHON are not set (npm test sets them where it can)', () => undefined);
} else {
  const url = `${redis}/10`;
  const client = new Redis(url);
  const run = crypto.randomUUID();
  const app = new Celery('big', { broker: url, backend: url, taskCreateMissingQueues: true });
  const add = app.task('big.add', (x: number, y: number) => x + y);
  const sizesIn = async (queue: string): Promise<readonly number[]> => (await client.lrange(queue, 0, -1)).map((text) => Buffer.byteLength(text)).toReversed();
  const celery = (parked: string, begins: string, lengths: readonly number[]) =>
    promisify(execFile)(python, ['-c', CELERY, url, parked, begins, ...lengths.map(String)]);
  const theirs = `celery-${run}`;
  beforeAll(async () => {
    await celery(theirs, theirs, LENGTHS);
  }, 60_000);
  afterAll(async () => {
    await client.del(theirs, `ours-${run}`, `parked-${run}`);
    client.disconnect();
    await app.close();
  });

  // features: 4-062
  test('a chain that is sent has at most 1.2 times the bytes of Celery’s, whatever its length', { timeout: 30_000 }, async () => {
    const queue = `ours-${run}`;
    for (const length of LENGTHS) {
      const steps: readonly unknown[] = [add.s(1, 0).set({ queue }), ...Array.from({ length: length - 1 }, () => add.s(1).set({ queue }))];
      // Made in a loop, where types cannot follow: the first step has all its arguments.
      await (chain(steps as Iterable<Signature<[number], number>>) as unknown as Signature<[], number>).delay();
    }
    const [mine, celerys] = [await sizesIn(queue), await sizesIn(theirs)];
    expect(mine).toHaveLength(LENGTHS.length);
    const ratios = mine.map((size, index) => size / celerys[index]!);
    for (const ratio of ratios) expect(ratio).toBeLessThanOrEqual(1.2);
  });

  test('so has the message by which a worker of ours goes on with a chain of Celery’s', { timeout: 60_000 }, async () => {
    const parked = `parked-${run}`;
    await using worker = new Worker(app, { hostname: `big@${run}`, queues: [`begin-${run}`] });
    await worker.start();
    await celery(parked, `begin-${run}`, [1000]);
    await expect.poll(() => client.llen(parked), { timeout: 20_000 }).toBe(1);
    const [size] = await sizesIn(parked);
    const [, rest] = await sizesIn(theirs);
    expect(size! / rest!).toBeLessThanOrEqual(1.2);
  });
}
