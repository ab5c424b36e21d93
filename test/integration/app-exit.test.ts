import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-exit-'));
const index = new URL('../../src/index.ts', import.meta.url).href;
beforeAll(() => {
  writeFileSync(
    join(folder, 'producer.mts'),
    `import { Celery } from ${JSON.stringify(index)};
     const app = new Celery('t', { broker: process.env.URL_ });
     const add = app.task('t.add', (x: number, y: number) => x + y);
     const ways: Record<string, () => Promise<void>> = {
       awaited: async () => void (await add.delay(1, 2)),
       forgotten: async () => void add.delay(1, 2),
       closed: async () => { void add.delay(1, 2); await app.close(); },
     };
     await ways[process.argv[2]!]!();
     console.log('end of the program');`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Programs that end by themselves; a hanging one is killed by the time limit, and has no exit code. */
test.each(['awaited', 'forgotten', 'closed'])('a producer whose call is %s ends by itself, and the message is there', (way) => {
  const url = `sqlite:///${join(folder, `${way}.db`)}`;
  const run = (argument: string): { readonly status: number | null; readonly stdout: string } =>
    spawnSync(process.execPath, ['--import', 'tsx', join(folder, 'producer.mts'), argument], {
      encoding: 'utf8',
      timeout: 15_000,
      env: { ...process.env, URL_: url },
      cwd: new URL('../..', import.meta.url),
    });
  expect(run(way)).toMatchObject({ status: 0, stdout: 'end of the program\n' });
  const count = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', counting(url)], {
    encoding: 'utf8',
    cwd: new URL('../..', import.meta.url),
  });
  expect(count.stdout.trim()).toBe('1');
});

const counting = (url: string): string => `
  const { Celery } = await import(${JSON.stringify(index)});
  const { coreOf } = await import(${JSON.stringify(new URL('../../src/app/core.ts', import.meta.url).href)});
  const app = new Celery('t', { broker: ${JSON.stringify(url)} });
  const link = await coreOf(app).openLink('test');
  const channel = await (await link.connection()).openChannel();
  console.log((await channel.queueInfo('celery'))?.messages);
  await link.close();
  await app.close();`;
