import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Project } from './project.ts';

// A process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

test('the examples of docs/guides/testing.md run as they stand', async () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/testing.md'), 'utf8');
  const files = Object.fromEntries([...guide.matchAll(/^`([\w.]+)`[^\n]*:\n\n```ts\n(.*?)```/gms)].map(([, name, text]) => [name!, text!]));
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
