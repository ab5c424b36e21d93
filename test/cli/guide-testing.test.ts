import { spawnSync } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { filesOfGuide } from './guide.ts';
import { Project } from './project.ts';

// A process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

test('the examples of docs/guides/testing.md run as they stand', async () => {
  const files = filesOfGuide('testing.md');
  expect(Object.keys(files)).toEqual(['tasks.ts', 'tasks.test.ts']);
  await using project = new Project(files, 'module');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), '--test', 'tasks.test.ts'], {
    cwd: project.dir,
    encoding: 'utf8',
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:NODE_|CELERY_|VITEST)/.test(name))),
    timeout: 80_000,
  });
  expect(stdout + stderr).toMatch(/(?:#|ℹ) fail 0/);
  expect(stdout).toMatch(/(?:#|ℹ) pass 4/);
  expect(status).toBe(0);
});
