import { expect, test } from 'vitest';
import { commands } from './commands/index.ts';
import { runProgram } from './program.ts';

/** Runs a command line in this process, where there is no app and no broker. */
async function run(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said = { out: '', err: '' };
  const terminal = {
    program: 'celeriac',
    cwd: '/nowhere',
    env: {},
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    ask: () => Promise.resolve(undefined),
  };
  return { code: await runProgram(commands, argv, terminal, '1.2.3'), ...said };
}

test('--help lists commands, global options and examples', async () => {
  const { code, out } = await run('--help');
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot();
});

test('no command at all shows the same', async () => {
  expect(await run()).toEqual(await run('--help'));
});

test('worker --help groups its options', async () => {
  const { code, out } = await run('worker', '--help');
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot();
});

test.each(commands.map(({ name }) => name))('%s --help shows examples that can be run', async (name) => {
  const { code, out } = await run(name, '--help');
  expect(code).toBe(0);
  expect(out).toContain(`Usage: celeriac ${name} `);
  expect(out).toMatch(/\nExamples:\n {2}celeriac /);
});

test('--version', async () => {
  expect(await run('--version')).toEqual({ code: 0, out: '1.2.3 (celeriac)\n', err: '' });
});

test.each<[argv: string, message: string]>([
  ['worke', `Error: No such command "worke". Did you mean "worker"?\nTry 'celeriac --help' for help.\n`],
  ['frobnicate', `Error: No such command "frobnicate".\nTry 'celeriac --help' for help.\n`],
  [
    '-A tasks beat -l info',
    'Error: There is no "beat" in this version of celeriac yet. Until then a program of yours, or cron, can send periodic tasks: celeriac -A tasks call NAME.\n',
  ],
  ['graph', 'Error: There is no "graph" in this version of celeriac yet.\n'],
  ['worker -A tasks', 'Error: -A belongs before the command: celeriac -A … worker …\n'],
  ['status --broker=redis://h', 'Error: --broker belongs before the command: celeriac --broker … status …\n'],
  ['--frob', `Error: Unknown option '--frob'\nTry 'celeriac --help' for help.\n`],
  ['-A tasks worker --loglevl info', `Error: Unknown option '--loglevl'\n(Did you mean --loglevel?)\nTry 'celeriac worker --help' for help.\n`],
  [
    '-A tasks worker -c x',
    `Error: Option '-c, --concurrency <number>' argument 'x' is invalid. A whole number or 'auto' is expected.\nTry 'celeriac worker --help' for help.\n`,
  ],
  [
    '-A tasks worker -l loud',
    `Error: Option '-l, --loglevel <level>' argument 'loud' is invalid. DEBUG, INFO, WARNING, ERROR or CRITICAL is expected.\nTry 'celeriac worker --help' for help.\n`,
  ],
  [
    '-A tasks worker --time-limit soon',
    `Error: Option '--time-limit <seconds>' argument 'soon' is invalid. Seconds are expected, or a number with its unit: 10, 2.5, 500ms, 5m, 1h.\nTry 'celeriac worker --help' for help.\n`,
  ],
  [
    '-A tasks worker -P fork',
    `Error: Option '-P, --pool <pool>' argument 'fork' is invalid. Allowed choices are async, prefork, threads, solo, gevent, eventlet, processes.\nTry 'celeriac worker --help' for help.\n`,
  ],
  ['-A tasks worker -B', 'Error: worker -B, --beat is not built yet. Periodic tasks do not exist yet; start the worker without it.\n'],
  [
    '-A tasks worker --autoscale=10,1 -D',
    'Error: worker --autoscale is not built yet. Give the pool a fixed size with -c.\nworker -D, --detach is not built yet. Start it by systemd or a process manager, or with nohup.\n',
  ],
  ['worker', 'Error: Which app? Name the module that exports it: celeriac -A tasks worker …, for ./tasks.ts or ./tasks.js (or set CELERY_APP)\n'],
  ['-A tasks call', `Error: Missing required argument 'name'\nTry 'celeriac call --help' for help.\n`],
  [
    '-A tasks call add --args {}',
    `Error: Option '-a, --args <json>' argument '{}' is invalid. A JSON array is expected, such as [2, 2].\nTry 'celeriac call --help' for help.\n`,
  ],
  [
    '-A tasks call add --eta tomorrow',
    `Error: Option '--eta <time>' argument 'tomorrow' is invalid. A time in ISO-8601 is expected, such as 2026-11-22T10:00:00+00:00.\nTry 'celeriac call --help' for help.\n`,
  ],
  ['control', 'Error: Which command? One of: '],
  ['inspect png', 'Error: There is no inspect command "png". Did you mean "ping"? There are: '],
  ['inspect revoke', 'Error: "revoke" is a command of control, not of inspect: control revoke\n'],
  ['control revoke', 'Error: revoke: <task_id> is missing (Ids of the tasks; Python sends one or a list.) Usage: revoke <task_id…> [terminate] [signal]\n'],
  ['inspect ping now', 'Error: ping: too many arguments (now). Usage: ping\n'],
  ['control revoke a terminate=maybe', 'Error: revoke: terminate should be true or false, but is "maybe". Usage: revoke <task_id…> [terminate] [signal]\n'],
])('refuses: celeriac %s', async (argv, message) => {
  const { code, out, err } = await run(...argv.split(' '));
  expect(err.slice(0, message.length)).toBe(message);
  if (message.endsWith('\n')) expect(err).toBe(message);
  expect(out).toBe('');
  expect(code).toBe(2);
});

test('inspect --list and control --list show each command with its arguments', async () => {
  expect((await run('inspect', '--list')).out).toMatch(/^ {2}ping +Is the worker alive\?$/m);
  expect((await run('control', '--list')).out).toMatch(/^ {2}shutdown /m);
});
