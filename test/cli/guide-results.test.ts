import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { filesOfGuide } from './guide.ts';
import { Project } from './project.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 300_000 });

// features: 5-012 5-021 5-028
test('the examples of docs/guides/results.md run as they stand, on whatever broker', async () => {
  const files = filesOfGuide('results.md');
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
    timeout: 240_000,
  });
  expect(stderr).toBe('');
  expect(stdout.trimEnd().split('\n')).toEqual([
    'get 4 SUCCESS true',
    'meta shop.add [ 2, 2 ] 0 true',
    'by id 4',
    'by tuple 4',
    'thrown OutOfStock too many true',
    'given true',
    'late true',
    'given up enough',
    'packed 3 packed',
    'all [ 2, 4, 6 ] 3',
    'as they end [ 2, 4, 6 ]',
    'restored [ 2, 4, 6 ]',
    'told 2 true',
    'chain 112 3',
    'collected [ 2, 12, 112 ]',
    'invoice 10',
    'flowchart TD',
    'forgotten false',
    'revoked true',
  ]);
});
