import { expect, test } from 'vitest';
import { commands } from './commands/index.ts';
import { runProgram } from './program.ts';

/** Runs a command line in this process, where there is no app and no broker. */
async function run(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said = { out: '', err: '' };
  const terminal = {
    program: 'celeriac',
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
  expect(out).toMatchInlineSnapshot(`
    "Usage: celeriac [options] [command]

    Distributed task queue for Node. Speaks Celery’s protocol.

    Options (before the command):
      -A, --app <module>      The module that exports your app: tasks, proj.tasks:app, ./src/tasks.ts.
                              (env: CELERY_APP)
      -b, --broker <url>      Broker, instead of the configured one; also CELERY_BROKER_URL.
      --result-backend <url>  Result store, instead of the configured one; also CELERY_RESULT_BACKEND.
      --config <module>       Module with settings. (env: CELERY_CONFIG_MODULE)
      --workdir <folder>      Folder to work in.
      -C, --no-color          No colours in the log, as with NO_COLOR.
      -q, --quiet             Say less: no banner.
      --version               Print the version and exit.
      --help                  Show this and exit.

    Commands:
      worker                  Start a worker: take tasks from the queues and run them.
      call                    Send a task by name, and print the id of its result.
      result                  Wait for the result of a task, and print it.
      status                  List the workers that are online.
      inspect                 Ask the workers something, such as ping.
      control                 Tell the workers to do something, such as revoke.
      purge                   Delete all messages that wait in the queues. This cannot be undone.
      list                    Show what the broker has: queues and how full they are, or bindings
                              (RabbitMQ).
      amqp                    Speak AMQP with the broker: one command, or without one a prompt for many.
      graph                   Draw a workflow: as it is written down, or as it runs, with states.
      report                  Print versions and changed settings, for bug reports. Secrets are masked.

    Examples:
      celeriac -A tasks worker -l info
      celeriac -A tasks call tasks.add --args '[2, 2]'
      celeriac -A tasks inspect ping
      celeriac worker --help

    "
  `);
});

test('no command at all shows the same', async () => {
  expect(await run()).toEqual(await run('--help'));
});

test('worker --help groups its options', async () => {
  const { code, out } = await run('worker', '--help');
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "Usage: celeriac worker [options] [-- setting=value ...]

    Start a worker: take tasks from the queues and run them.

    Arguments:
      settings                        Settings for this run, after --: worker.prefetch_multiplier=1,
                                      task_acks_late=true.

    Worker:
      -n, --hostname <name>           Name of this worker: w1@%h. %h is the host, %n its short name, %d
                                      its domain.
      -l, --loglevel <level>          DEBUG, INFO, WARNING, ERROR or CRITICAL. (default: "WARNING")
      --logformat <format>            One line of text, or one JSON object, for each event. (choices:
                                      "text", "json", default: "text")
      -f, --logfile <file>            Log to this file instead of stderr.
      --pidfile <file>                Keep the process id in this file while the worker runs.
      --umask <mask>                  Mask of the files it makes, such as 022.

    Pool:
      -c, --concurrency <number>      How many tasks at a time. Default 100 for async, 1 for solo, else
                                      one a processor (auto).
      -P, --pool <pool>               Where tasks run: async is one event loop, prefork child processes.
                                      (choices: "async", "prefork", "threads", "solo", "gevent",
                                      "eventlet", "processes")
      -E, --task-events               Send events about tasks, for monitors.
      --prefetch-multiplier <number>  Messages to take ahead for each task at a time.
      --disable-prefetch              Take a message only when something can run it.
      --time-limit <seconds>          End tasks that run longer.
      --soft-time-limit <seconds>     Ask tasks that run longer to end (their signal aborts).
      --max-tasks-per-child <number>  Replace a child process after so many tasks.
      --max-memory-per-child <KiB>    Replace a child process that has grown beyond this.

    Queues:
      -Q, --queues <names>            Take from these only, with commas between them.
      -X, --exclude-queues <names>    Take from all but these.
      -I, --include <modules>         Load these modules too.
      --purge                         Delete the messages that wait, before the start.

    Among workers:
      --without-heartbeat             Send no heartbeats.
      --without-gossip                Taken for Celery’s sake: workers here do not gossip.
      --without-mingle                Do not ask other workers what is revoked.

    Options:
      --help                          Show this and exit.

    Examples:
      celeriac -A tasks worker -l info
      celeriac -A proj worker -l info -Q mail,media -c 8 -P prefork
      celeriac -A proj worker -n w1@%h -E --logformat=json
      celeriac -A proj worker -- worker.prefetch_multiplier=1

    "
  `);
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
  ['dashboard', 'Error: There is no "dashboard" in this version of celeriac yet.\n'],
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
  ['worker', 'Error: Which app? Name the module that exports it: celeriac -A tasks …, for ./tasks.ts or ./tasks.js (or set CELERY_APP)\n'],
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
