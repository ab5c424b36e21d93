import { closeSync, existsSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Project, type Running } from './project.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

const tasks = `
import { Celery } from 'celeriac';
export const app = new Celery('tasks');
export const add = app.task('tasks.add', (x: number, y: number) => x + y);
export const bad = app.task('tasks.bad', () => { throw new RangeError('too far'); });
export const slow = app.task('tasks.slow', async (seconds: number) => { await new Promise((go) => setTimeout(go, seconds * 1000)); return 'rested'; });
`;

describe('a worker on the embedded default', () => {
  let project: Project;
  let worker: Running;
  beforeAll(async () => {
    project = new Project({ 'tasks.ts': tasks }, 'module');
    worker = project.start(['-A', 'tasks', 'worker', '-l', 'info', '-n', 'w1@here', '--pidfile', '%n.pid']);
    await worker.said(/w1@here ready\./);
  });
  afterAll(async () => {
    await project[Symbol.asyncDispose]();
  });

  test('shows where it is and what it serves', () => {
    expect(worker.out).toContain(`transport:   sqlite:///${project.dir}/.celeriac/celeriac.db`);
    expect(worker.out).toMatch(/ \.> concurrency: 100 \(async\)\n/);
    expect(worker.out).toMatch(/\[queues]\n \.> celery +exchange=celery\(direct\) key=celery\n/);
    expect(worker.out).toContain(' [tasks]\n  . tasks.add\n  . tasks.bad\n  . tasks.slow\n');
    expect(readFileSync(join(project.dir, 'w1.pid'), 'utf8')).toMatch(/^\d+\n$/);
  });

  test('runs what `call` sends, and `result` prints it', async () => {
    const { code, out } = project.run(['-A', 'tasks', 'call', 'tasks.add', '--args', '[2, 2]']);
    expect(code).toBe(0);
    const id = out.trim();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(project.run(['-A', 'tasks', 'result', id])).toMatchObject({ code: 0, out: '4\n' });
    await worker.said(new RegExp(`^\\[.*: INFO/MainProcess\\] Task tasks\\.add\\[${id}\\] succeeded in [0-9.]+s: 4$`, 'm'));
  });

  test('a failure is a traceback and exit code 1', () => {
    const id = project.run(['-A', 'tasks', 'call', 'tasks.bad']).out.trim();
    const failed = project.run(['-A', 'tasks', 'result', id]);
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toContain('too far');
    const traced = project.run(['-A', 'tasks', 'result', '--traceback', id]);
    expect(traced).toMatchObject({ code: 0, err: '' });
    expect(traced.out).toContain('too far');
  });

  test('status and inspect see it, control revokes', () => {
    expect(project.run(['-A', 'tasks', 'status', '-t', '0.5'])).toEqual({ code: 0, out: '->  w1@here: OK\n\n1 node online.\n', err: '' });
    expect(project.run(['-A', 'tasks', 'inspect', 'ping', '-t', '0.5'])).toEqual({
      code: 0,
      out: '->  w1@here: OK\n        pong\n\n1 node online.\n',
      err: '',
    });
    expect(project.run(['-A', 'tasks', 'inspect', 'ping', '-j', '-t', '0.5'])).toEqual({ code: 0, out: '{"w1@here":{"ok":"pong"}}\n', err: '' });
    expect(project.run(['-A', 'tasks', 'inspect', 'ping', '-d', 'w2@here', '-t', '0.3'])).toEqual({
      code: 69,
      out: '',
      err: 'Error: None of w2@here answered within 0.3 s. Is one running on this broker? (-t waits longer)\n',
    });
    expect(project.run(['-A', 'tasks', 'control', 'revoke', 'some-id'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^->  w1@here: OK\n.*some-id/) as string,
    });
  });

  test('purge counts what it deletes', () => {
    expect(project.run(['-A', 'tasks', 'purge', '-f', '-Q', 'idle'])).toMatchObject({ code: 0, out: 'No messages purged from 1 queue.\n' });
    for (const _ of [1, 2]) project.run(['-A', 'tasks', 'call', 'tasks.add', '--args', '[1, 1]', '--queue', 'idle']);
    expect(project.run(['-A', 'tasks', 'purge', '-Q', 'idle'])).toMatchObject({ code: 1, out: '' });
    expect(project.run(['-A', 'tasks', 'purge', '-f', '-Q', 'idle'])).toMatchObject({ code: 0, out: 'Purged 2 messages from 1 queue.\n' });
  });

  test('a second worker may not have its pid file', () => {
    const { code, err } = project.run(['-A', 'tasks', 'worker', '-n', 'w1@here', '--pidfile', '%n.pid']);
    expect(err).toMatch(/^Error: --pidfile w1\.pid: process \d+ has it and is running\./);
    expect(code).toBe(2);
  });

  test('TERM lets running tasks end, and then it exits with 0', async () => {
    const id = project.run(['-A', 'tasks', 'call', 'tasks.slow', '--args', '[1]']).out.trim();
    await worker.said(new RegExp(`Task tasks\\.slow\\[${id}\\] received`));
    worker.signal('SIGTERM');
    expect(await worker.ended).toBe(0);
    expect(project.run(['-A', 'tasks', 'result', id])).toMatchObject({ code: 0, out: 'rested\n' });
    expect(existsSync(join(project.dir, 'w1.pid'))).toBe(false);
    expect(project.run(['-A', 'tasks', 'status', '-t', '0.3'])).toMatchObject({ code: 69, out: '' });
  });
});

test.each(['prefork', 'threads', 'solo'])('-P %s runs tasks of a TypeScript app', async (pool) => {
  await using project = new Project({ 'tasks.ts': tasks });
  const worker = project.start(['-A', 'tasks', 'worker', '-l', 'info', '-P', pool, '-c', '1']);
  await worker.said(/ ready\.$/m);
  const id = project.run(['-A', 'tasks', 'call', 'tasks.add', '-a', '[20, 22]']).out.trim();
  expect(project.run(['-A', 'tasks', 'result', id, '--timeout', '20'])).toMatchObject({ code: 0, out: '42\n' });
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);
});

test('--logformat=json writes one object a line, -f to a file, and settings stand after --', async () => {
  await using project = new Project({ 'tasks.ts': tasks }, 'module');
  const worker = project.start([
    '-A',
    'tasks',
    '-q',
    'worker',
    '-l',
    'info',
    '--logformat=json',
    '-f',
    'logs/%n.log',
    '-n',
    'w3@here',
    '--',
    'task_default_queue=other',
  ]);
  const file = join(project.dir, 'logs', 'w3.log');
  const lines = (): readonly { readonly message: string }[] =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { readonly message: string })
      : [];
  await expect.poll(() => lines().map(({ message }) => message), { timeout: 15_000 }).toContain('w3@here ready.');
  const id = project.run(['-A', 'tasks', 'call', 'tasks.add', '-a', '[1, 2]', '--queue', 'other']).out.trim();
  expect(project.run(['-A', 'tasks', 'result', id])).toMatchObject({ out: '3\n' });
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);
  expect(worker.out + worker.err).toBe('');
  expect(lines()[0]).toMatchObject({ level: 'INFO', process: 'MainProcess' });
});

test.skipIf(process.platform !== 'linux').each(['a log file', 'stderr'])('a disk that is full for %s costs lines, but no task', async (where) => {
  await using project = new Project({ 'tasks.ts': tasks }, 'module');
  const full = openSync('/dev/full', 'w');
  symlinkSync('/dev/full', join(project.dir, 'w.log'));
  const worker = project.start(
    ['-A', 'tasks', 'worker', '-l', 'debug', ...(where === 'stderr' ? [] : ['-f', 'w.log'])],
    {},
    where === 'stderr' ? full : 'pipe',
  );
  closeSync(full);
  const id = project.run(['-A', 'tasks', 'call', 'tasks.add', '-a', '[20, 22]']).out.trim();
  expect(project.run(['-A', 'tasks', 'result', id, '--timeout', '30'])).toMatchObject({ code: 0, out: '42\n' });
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);
  if (where !== 'stderr') expect(worker.err).toMatch(/^\[.*: ERROR\/MainProcess] The log file w\.log takes no lines \(ENOSPC.*\n$/);
});

test.each(['async', 'prefork'])('-P %s loads what `include` and -I name, logs what tasks print, and ends though the app left a timer', async (pool) => {
  await using project = new Project({
    'tasks.ts': `import { Celery } from 'celeriac';\nexport const app = new Celery('tasks', { include: ['more.tasks'] });\nsetInterval(() => undefined, 1000);`,
    'more/tasks.ts': `import { app } from '../tasks.ts';\nexport const hello = app.task('more.hello', () => { console.log('printed by', 'hello'); return 1; });`,
    'other.ts': `import { app } from './tasks';\nexport const other = app.task('other.hello', () => 2);`,
  });
  const worker = project.start(['-A', 'tasks', 'worker', '-l', 'info', '-P', pool, '-c', '2', '-I', './other.ts']);
  await worker.said(/ ready\.$/m);
  expect(worker.out).toContain('  . more.hello\n  . other.hello\n');
  for (const [name, value] of [
    ['more.hello', '1\n'],
    ['other.hello', '2\n'],
  ] as const) {
    const id = project.run(['-A', 'tasks', 'call', name]).out.trim();
    expect(project.run(['-A', 'tasks', 'result', id, '--timeout', '20'])).toMatchObject({ code: 0, out: value });
  }
  worker.signal('SIGINT');
  expect(await worker.ended).toBe(1);
  // Children do not redirect their console yet.
  if (pool === 'async') await worker.said(/^\[.*: WARNING\/\S+] printed by hello$/m);
});

test('a module that `include` names and that is not there is an error', async () => {
  await using project = new Project(
    { 'tasks.ts': `import { Celery } from 'celeriac';\nexport const app = new Celery('tasks', { include: ['gone'] });` },
    'module',
  );
  const { code, err } = project.run(['-A', 'tasks', 'worker']);
  expect(err).toBe(
    'Error: gone (in imports, include or -I): no such module. Looked in <dir> for gone.ts, gone.js, gone/index.ts, gone/index.js, gone/celery.ts, gone/celery.js.\n',
  );
  expect(code).toBe(2);
});

test('a wrong setting after -- ends the worker before it starts', async () => {
  await using project = new Project({ 'tasks.ts': tasks }, 'module');
  const { code, err } = project.run(['-A', 'tasks', 'worker', '--', 'worker.prefetch=1']);
  expect(err).toBe('Error: There is no setting "worker_prefetch". Did you mean "worker_prefetch_multiplier"?\n');
  expect(code).toBe(2);
});

test('a result that nobody knows is waited for in so many words', async () => {
  await using project = new Project({ 'tasks.ts': tasks }, 'module');
  const { code, err } = project.run(['-A', 'tasks', 'result', '--timeout', '0.2', 'nobody-knows']);
  expect(err).toMatch(
    /^Nothing is stored of task nobody-knows: it has not run yet, or its id is another\. Waiting for at most 0\.2 s\.\nError: no result of task/,
  );
  expect(code).toBe(1);
});

test('a broker without a scheme is told which', async () => {
  await using project = new Project({ 'tasks.ts': tasks }, 'module');
  const { code, err, out } = project.run(['-A', 'tasks', '-b', 'localhost:6379', 'worker']);
  expect(err).toMatch(/^Error: "localhost:6379" names a server, .*did you mean redis:\/\/localhost:6379\?\n$/);
  expect({ code, out }).toEqual({ code: 2, out: '' });
});

test('control shutdown ends the workers', async () => {
  await using project = new Project({ 'tasks.ts': tasks }, 'module');
  const worker = project.start(['-A', 'tasks', 'worker', '-l', 'info']);
  await worker.said(/ ready\.$/m);
  expect(project.run(['-A', 'tasks', 'control', 'shutdown'])).toMatchObject({ code: 0 });
  expect(await worker.ended).toBe(0);
});
