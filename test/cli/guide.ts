import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Project, type Running } from './project.ts';

/** The files that a guide shows: blocks of TypeScript behind a line that begins with the file's name. */
export function filesOfGuide(name: string): Readonly<Record<string, string>> {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides', name), 'utf8');
  return Object.fromEntries([...guide.matchAll(/^`([\w.]+)`[^\n]*:\n\n```ts\n(.*?)```/gms)].map(([, file, text]) => [file!, text!]));
}

/** Runs a guide's `producer.ts` beside a worker of its `tasks.ts`, on SQLite, and tells what it printed. `check` may look at the worker, which then ends. */
export async function runGuide(
  name: string,
  { workerArgs = [], check }: { workerArgs?: readonly string[]; check?: (worker: Running) => Promise<unknown> } = {},
): Promise<string> {
  const files = filesOfGuide(name);
  expect(Object.keys(files)).toEqual(['tasks.ts', 'producer.ts']);
  await using project = new Project(files, 'module');
  const url = `sqlite:///${join(project.dir, 'queue.db')}`;
  const env = { CELERY_BROKER_URL: url, CELERY_RESULT_BACKEND: url };
  const worker = project.start(['-A', 'tasks', 'worker', '-l', 'info', ...workerArgs], env);
  await worker.said(/ ready\.$/m);
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), 'producer.ts'], {
    cwd: project.dir,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 240_000,
  });
  expect(stderr).toBe('');
  await check?.(worker);
  return stdout;
}
