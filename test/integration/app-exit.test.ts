import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { coreOf } from '../../src/app/core.ts';
import { Celery } from '../../src/index.ts';
import { queueName } from '../support/roads.ts';

const { CELERIAC_TEST_REDIS: REDIS, CELERIAC_TEST_AMQP: AMQP } = process.env;
const folder = mkdtempSync(join(tmpdir(), 'celeriac-exit-'));
const file = `sqlite:///${join(folder, 'tasks.db')}`;
const source = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);

beforeAll(() => {
  writeFileSync(
    join(folder, 'producer.mts'),
    `import { Celery } from ${source('index.ts')};
     import { inspect } from ${source('control/index.ts')};
     const { BROKER: broker, BACKEND: backend, QUEUE: taskDefaultQueue } = process.env;
     const app = new Celery('t', { broker, backend, taskDefaultQueue });
     const add = app.task('t.add', (x: number, y: number) => x + y);
     const ways: Record<string, () => Promise<void>> = {
       awaited: async () => void (await add.delay(1, 2)),
       forgotten: async () => void add.delay(1, 2),
       closed: async () => { void add.delay(1, 2); await app.close(); },
       waiting: async () => {
         const result = await add.delay(1, 2);
         const value = result.get({ timeout: 10 });
         await app.backend.save({ taskId: result.id, status: 'SUCCESS', result: 3, traceback: null, dateDone: new Date() });
         if ((await value) !== 3) throw new Error('no result');
       },
       asking: async () => {
         await add.delay(1, 2);
         await inspect(app, { timeout: 0.2 }).ping();
       },
     };
     await ways[process.argv[2]!]!();
     console.log('end of the program');`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const roads = [
  { name: 'sqlite', broker: file, skip: false },
  { name: 'redis', broker: `${REDIS}/9`, skip: REDIS === undefined },
  { name: 'amqp', broker: AMQP!, skip: AMQP === undefined },
];
const ways = ['awaited', 'forgotten', 'closed', 'waiting', 'asking'];

/** Programs that end by themselves; a hanging one is killed by the time limit, and has no exit code. */
test.each(roads.flatMap((road) => ways.map((way) => ({ ...road, way }))))(
  'over $name a producer whose call is $way ends by itself, and the message is there',
  async ({ name, broker, skip, way }) => {
    if (skip) return console.warn(`skipped: CELERIAC_TEST_${name.toUpperCase()} is not set`);
    const queue = queueName();
    const run = spawnSync(process.execPath, ['--import', 'tsx', join(folder, 'producer.mts'), way], {
      encoding: 'utf8',
      timeout: 15_000,
      env: { ...process.env, BROKER: broker, BACKEND: name === 'redis' ? broker : file, QUEUE: queue },
      cwd: new URL('../..', import.meta.url),
    });
    expect(run).toMatchObject({ status: 0, stdout: 'end of the program\n', stderr: '' });
    await using link = await coreOf(new Celery('t', { broker })).openLink('test');
    const channel = await (await link.connection()).openChannel();
    expect((await channel.queueInfo(queue))?.messages).toBe(1);
    await channel.deleteQueue(queue);
  },
);
