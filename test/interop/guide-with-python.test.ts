// docs/guides/with-python.md as it stands: its files, their workers and its calls, with real Celery.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Project, Running } from '../cli/project.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/with-python.md'), 'utf8');

/** Calls of the guide as a program, with what each gives printed. */
const asProgram = {
  ts: (block: string): string =>
    [
      "import { chain, chord } from 'celeriac';",
      "import { app, mailFailed, resize, resizeFailed, send, sheet } from './tasks.ts';",
      block.replace(/^await (.*)\.delay\(\);$/gm, 'console.log(String(await (await $1.delay()).get({ timeout: 30, propagate: false })));'),
      'await app.close();',
    ].join('\n'),
  py: (block: string): string =>
    ['from celery import chain', 'from proj import app, resize', block.replace(/^(.+)$/gm, 'print(repr(($1).get(timeout=30, propagate=False)))')].join('\n'),
};

/** Blocks behind a line that names their file, and what is to be added to one; blocks that stand by themselves are calls: `calls1.ts` and so on. */
function filesOf(text: string): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  const calls = { ts: 0, py: 0 };
  for (const [, file, kind, block] of text.matchAll(/(?:^(?:In )?`(\w+\.(?:ts|py))`[^\n]*\n\n)?^```(ts|python)\n(.*?)```/gms)) {
    const language = kind === 'ts' ? 'ts' : 'py';
    if (file === undefined) files[`calls${(calls[language] += 1)}.${language}`] = asProgram[language](block!);
    else files[file] = `${files[file] ?? ''}${block}`;
  }
  return files;
}

const files = filesOf(guide);

interface Ran {
  /** Runs a program, and gives the lines that it printed. */
  run(file: string): string[];
  readonly ours: Running;
  readonly theirs: Running;
}

/** Each pair of workers has queues of its own: two databases. */
async function withWorkers(databases: readonly [number, number], without: RegExp | undefined, use: (ran: Ran) => Promise<void>): Promise<void> {
  const at = (text: string): string =>
    text.replace('redis://localhost/0', `${redis}/${databases[0]}`).replace('redis://localhost/1', `${redis}/${databases[1]}`);
  const own = Object.entries(files).map(([name, text]) => [name, at(without === undefined ? text : text.replace(without, ''))]);
  await using project = new Project(Object.fromEntries(own) as Record<string, string>, 'module');
  const options = { cwd: project.dir, env: { ...process.env, PYTHONUNBUFFERED: '1' } };
  const ours = project.start(['-A', 'tasks', 'worker', '-Q', 'node', '-n', 'node@%h', '-l', 'info']);
  const celery = spawn(python!, ['-m', 'celery', '-A', 'proj', 'worker', '-Q', 'images', '-n', 'python@%h', '-c', '2', '-l', 'INFO'], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const theirs = new Running(celery);
  try {
    await Promise.all([ours.said(/ ready\./), theirs.said(/ ready\./)]);
    const run = (file: string): string[] => {
      const [command, argv] = file.endsWith('.py') ? [python!, [file]] : [process.execPath, ['--import', import.meta.resolve('tsx'), file]];
      const { stdout, stderr, status } = spawnSync(command, argv, { ...options, encoding: 'utf8', timeout: 120_000 });
      expect(status, stderr).toBe(0);
      return stdout.trimEnd().split('\n');
    };
    await use({ run, ours, theirs });
  } finally {
    celery.kill('SIGTERM');
    await theirs.ended;
  }
}

const printed = ['sent a.png at 100', 'a.png at 100, sent b.png'];

describe.skipIf(redis === undefined || python === undefined)('docs/guides/with-python.md', { timeout: 180_000 }, () => {
  test('with the same routes on both sides every example comes to its end, errbacks in the other language too', () =>
    withWorkers([2, 3], undefined, async ({ run, ours, theirs }) => {
      expect(Object.keys(files)).toEqual(expect.arrayContaining(['proj.py', 'tasks.ts', 'producer.ts', 'producer.py', 'calls2.ts', 'calls2.py']));
      expect(run('producer.ts')).toEqual(['a.png at 100', ...printed]);
      expect(run('producer.py')).toEqual(['sent a.png', ...printed]);
      expect(run('calls1.ts')).toEqual(printed);
      expect(run('calls1.py')).toEqual(["'sent a.png at 100'"]);
      expect(run('calls2.ts')).toEqual(['TaskFailure: nothing would be left', 'TaskFailure: nothing to send']);
      expect(run('calls2.py')).toEqual(["ValueError('nothing would be left')"]);
      await ours.said(/nothing would be left[^]*nothing would be left/);
      await theirs.said(/Task images\.failed\[\S+\] succeeded/);
    }));

  test('without routes the queue in each step does the same', () =>
    withWorkers([14, 15], /^ *(?:app\.conf\.task_routes|taskRoutes).*\n/m, async ({ run }) => {
      expect(run('calls1.ts')).toEqual(printed);
      expect(run('calls1.py')).toEqual(["'sent a.png at 100'"]);
    }));
});
