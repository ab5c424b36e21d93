import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { filesOfGuide } from './guide.ts';
import { Project } from './project.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

test('the examples of docs/guides/from-bullmq.md run as they stand, on whatever broker', async () => {
  const files = filesOfGuide('from-bullmq.md');
  expect(Object.keys(files)).toEqual(['tasks.ts', 'producer.ts']);
  await using project = new Project(files, 'module');
  const url = `sqlite:///${join(project.dir, 'queue.db')}`;
  const env = { CELERY_BROKER_URL: url, CELERY_RESULT_BACKEND: url };
  const worker = project.start(['-A', 'tasks', 'worker', '-l', 'info', '-Q', 'mail,celery', '-c', '50'], env);
  await worker.said(/ ready\.$/m);
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), 'producer.ts'], {
    cwd: project.dir,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 100_000,
  });
  expect(stderr).toBe('');
  expect(stdout).toBe('ada@example.org, at attempt 1\n[ 10, 20 ]\n30\n');
});
