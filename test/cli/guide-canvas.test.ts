import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { filesOfGuide } from './guide.ts';
import { Project } from './project.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

test('the examples of docs/guides/canvas.md run as they stand, on whatever broker', async () => {
  const files = filesOfGuide('canvas.md');
  expect(Object.keys(files)).toEqual(['tasks.ts', 'producer.ts']);
  await using project = new Project(files, 'module');
  const url = `sqlite:///${join(project.dir, 'queue.db')}`;
  const env = { CELERY_BROKER_URL: url, CELERY_RESULT_BACKEND: url };
  const worker = project.start(['-A', 'tasks', 'worker', '-l', 'info'], env);
  await worker.said(/ ready\.$/m);
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), 'producer.ts'], {
    cwd: project.dir,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 100_000,
  });
  expect(stderr).toBe('');
  expect(stdout.trimEnd().split('\n')).toEqual([
    'signature shop.add(10) 11',
    'chain 16',
    'immutable 2',
    'group 4 "ok"',
    'chord 6',
    'upgraded 11',
    'map [ 2, 4, 6 ]',
    'chunks [ [ 2, 4 ], [ 6 ] ]',
    'failed true',
    'replaced 12',
    "stamped [ 'acme', 'acme' ]",
    'visited acme',
    'frozen 4 shop.add(1, 1) | double()',
  ]);
  await worker.said(/shop\.total failed: ChordError/);
});
