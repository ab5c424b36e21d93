import { Option, type Command } from 'commander';
import { loadIncluded, type FoundApp } from '../../app/autoload.ts';
import { coreOf } from '../../app/core.ts';
import { packageVersion } from '../../app/report.ts';
import { commandLineSettings } from '../../config/sources.ts';
import { ImproperlyConfigured } from '../../errors.ts';
import { maskUrl } from '../../kernel/broker-url.ts';
import type { Duration } from '../../kernel/duration.ts';
import { levelOf, type Level } from '../../kernel/logger.ts';
import { redirectConsole } from '../../kernel/redirect-console.ts';
import { fillNodeName } from '../../worker/node-name.ts';
import { compileOptions, type CompiledOptions, type WorkerOptions } from '../../worker/options.ts';
import type { Declaration } from '../../messaging/outgoing.ts';
import { banner, type BannerQueue } from '../banner.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { isColourful, openLog } from '../log.ts';
import { notBuiltWorkerOptions } from '../not-built.ts';
import { PidFile } from '../pid-file.ts';
import { commaList, concurrency, logLevel, seconds, wholeNumber } from '../values.ts';

interface CliWorkerOptions {
  readonly hostname?: string;
  readonly loglevel: Level;
  readonly logformat: 'text' | 'json';
  readonly logfile?: string;
  readonly pidfile?: string;
  readonly umask?: string;
  readonly pool?: string;
  readonly concurrency?: number | 'auto';
  readonly prefetchMultiplier?: number;
  readonly disablePrefetch?: boolean;
  readonly taskEvents?: boolean;
  readonly events?: boolean;
  readonly timeLimit?: Duration;
  readonly softTimeLimit?: Duration;
  readonly maxTasksPerChild?: number;
  readonly maxMemoryPerChild?: number;
  readonly queues?: readonly string[];
  readonly excludeQueues?: readonly string[];
  readonly include?: readonly string[];
  readonly purge?: boolean;
  readonly discard?: boolean;
  readonly heartbeat: boolean;
  readonly withoutHeartbeat?: boolean;
}

export const worker = defineCommand<CliWorkerOptions>({
  name: 'worker',
  help: 'Start a worker: take tasks from the queues and run them.',
  examples: [
    '-A tasks worker -l info',
    '-A proj worker -l info -Q mail,media -c 8 -P prefork',
    '-A proj worker -n w1@%h -E --logformat=json',
    '-A proj worker -- worker.prefetch_multiplier=1',
  ],
  define: defineOptions,
  async run({ args, options, context }) {
    refuseNotBuilt(options as unknown as Readonly<Record<string, unknown>>);
    if (options.umask !== undefined) process.umask(options.umask);
    handToChildren(args, options, context.terminal.env);
    const found = await context.namedApp();
    await loadIncluded(found.app);
    const core = coreOf(found.app);
    const told = workerOptions(options, found);
    const compiled = compileOptions(told, core.settings);
    const file = options.logfile ?? core.settings.workerLogfile ?? undefined;
    using opened = openLog({
      clock: core.clock,
      level: options.loglevel,
      format: options.logformat,
      file: file === undefined ? undefined : fillNodeName(file, compiled.hostname),
      isColourful: isColourful({
        allowed: context.global.color,
        setting: core.settings.workerLogColor,
        toFile: file !== undefined,
        isTerminal: context.terminal.isTerminal === true,
        env: context.terminal.env,
      }),
      err: context.terminal.err,
    });
    using _pid = options.pidfile === undefined ? undefined : new PidFile(fillNodeName(options.pidfile, compiled.hostname));
    core.setLog(opened.log);
    using _console = core.settings.workerRedirectStdouts
      ? redirectConsole(opened.log, levelOf(core.settings.workerRedirectStdoutsLevel) ?? 'WARNING')
      : undefined;
    // Loaded only now: the other commands start faster without it.
    const { Worker } = await import('../../worker/worker.ts');
    const running = new Worker(found.app, told);
    if (context.global.quiet !== true) context.print(bannerOf(found, compiled, options));
    await running.start().catch((error: unknown) => {
      // Stopped by a signal while it waited for the broker: that is no failure.
      if (process.exitCode === undefined) throw error;
    });
    await running.closed;
    await found.app.close();
    // Signals have set it.
    return Number(process.exitCode ?? exitCodes.ok);
  },
});

/** Settings and modules of this command line are for the children of the pool too: the environment takes them there. */
function handToChildren(args: readonly string[], options: CliWorkerOptions, env: Record<string, string | undefined>): void {
  const settings = [...args, ...(options.disablePrefetch === true ? ['worker_disable_prefetch=true'] : [])];
  commandLineSettings(settings);
  if (settings.length > 0) env['CELERIAC_SETTINGS'] = JSON.stringify(settings);
  if (options.include !== undefined) env['CELERIAC_INCLUDE'] = options.include.join(',');
}

function defineOptions(command: Command): void {
  command
    .usage('[options] [-- setting=value ...]')
    .argument('[settings...]', 'Settings for this run, after --: worker.prefetch_multiplier=1, task_acks_late=true.')
    .optionsGroup('Worker:')
    .option('-n, --hostname <name>', 'Name of this worker: w1@%h. %h is the host, %n its short name, %d its domain.')
    .option('-l, --loglevel <level>', 'DEBUG, INFO, WARNING, ERROR or CRITICAL.', logLevel, 'WARNING' as Level)
    .addOption(new Option('--logformat <format>', 'One line of text, or one JSON object, for each event.').choices(['text', 'json']).default('text'))
    .option('-f, --logfile <file>', 'Log to this file instead of stderr.')
    .option('--pidfile <file>', 'Keep the process id in this file while the worker runs.')
    .option('--umask <mask>', 'Mask of the files it makes, such as 022.')
    .optionsGroup('Pool:')
    .option('-c, --concurrency <number>', 'How many tasks at a time. Default 100 for async, 1 for solo, else one a processor (auto).', concurrency)
    .addOption(new Option('-P, --pool <pool>', 'Where tasks run: async is one event loop, prefork child processes.').choices(POOLS))
    .option('-E, --task-events', 'Send events about tasks, for monitors.')
    .addOption(new Option('--events').hideHelp())
    .option('--prefetch-multiplier <number>', 'Messages to take ahead for each task at a time.', wholeNumber)
    .option('--disable-prefetch', 'Take a message only when something can run it.')
    .option('--time-limit <seconds>', 'End tasks that run longer.', seconds)
    .option('--soft-time-limit <seconds>', 'Ask tasks that run longer to end (their signal aborts).', seconds)
    .option('--max-tasks-per-child <number>', 'Replace a child process after so many tasks.', wholeNumber)
    .option('--max-memory-per-child <KiB>', 'Replace a child process that has grown beyond this.', wholeNumber)
    .addOption(new Option('--pool-start-method <method>').choices(['fork', 'spawn']).hideHelp())
    .addOption(new Option('-O, --optimization <profile>').choices(['default', 'fair']).hideHelp())
    .optionsGroup('Queues:')
    .option('-Q, --queues <names>', 'Take from these only, with commas between them.', commaList)
    .option('-X, --exclude-queues <names>', 'Take from all but these.', commaList)
    .option('-I, --include <modules>', 'Load these modules too.', commaList)
    .option('--purge', 'Delete the messages that wait, before the start.')
    .addOption(new Option('--discard').hideHelp())
    .optionsGroup('Among workers:')
    .option('--without-heartbeat', 'Send no heartbeats.')
    .option('--without-gossip', 'Taken for Celery’s sake: workers here do not gossip.')
    .option('--without-mingle', 'Do not ask other workers what is revoked.')
    .addOption(new Option('--heartbeat-interval <seconds>').hideHelp());
  for (const { flags } of notBuiltWorkerOptions) command.addOption(new Option(flags.replace(/^(-s), --schedule-filename, /, '$1, ')).hideHelp());
}

const POOLS = ['async', 'prefork', 'threads', 'solo', 'gevent', 'eventlet', 'processes'];

/** What would silently not happen is refused. */
function refuseNotBuilt(options: Readonly<Record<string, unknown>>): void {
  const asked = notBuiltWorkerOptions.filter(({ attribute }) => options[attribute] !== undefined);
  if (asked.length === 0) return;
  throw new ImproperlyConfigured(asked.map(({ flags, instead }) => `worker ${flags.replace(/ <.*$/, '')} is not built yet. ${instead}`).join('\n'));
}

function workerOptions(options: CliWorkerOptions, found: FoundApp): WorkerOptions {
  const { hostname, pool, prefetchMultiplier, timeLimit, softTimeLimit, maxTasksPerChild, maxMemoryPerChild, queues, excludeQueues } = options;
  return {
    hostname,
    pool,
    prefetchMultiplier,
    timeLimit,
    softTimeLimit,
    maxTasksPerChild,
    maxMemoryPerChild,
    queues,
    excludeQueues,
    concurrency: options.concurrency as number | undefined,
    taskEvents: options.taskEvents === true || options.events === true ? true : undefined,
    purge: options.purge === true || options.discard === true,
    withoutHeartbeat: options.withoutHeartbeat,
    appModule: found.module,
    handleSignals: true,
  };
}

function bannerOf(found: FoundApp, compiled: CompiledOptions, options: CliWorkerOptions): string {
  const core = coreOf(found.app);
  if (compiled.queues.length > 0) core.queues.select(compiled.queues);
  if (compiled.excludeQueues.length > 0) core.queues.deselect(compiled.excludeQueues);
  return banner({
    hostname: compiled.hostname,
    version: packageVersion(),
    at: new Date(core.clock.now()),
    app: `${core.main} (${found.module})`,
    transport: maskUrl(core.brokerUrls.join(';')),
    results: core.backendUrl === undefined ? 'disabled' : maskUrl(core.backendUrl),
    pool: compiled.pool,
    concurrency: compiled.concurrency,
    taskEvents: compiled.taskEvents,
    queues: core.queues.consumeFrom.map((name) => wayTo(name, core.queues.declaration(name))),
    tasks: ['DEBUG', 'INFO'].includes(options.loglevel)
      ? core.tasks.names().filter((name) => !name.startsWith('celery.') || options.loglevel === 'DEBUG')
      : undefined,
  });
}

/** By which exchange and key messages reach a queue. */
function wayTo(name: string, { exchange, bindings }: Declaration): BannerQueue {
  return { name, exchange: exchange?.name ?? '', exchangeType: exchange?.type ?? 'direct', routingKey: bindings[0]?.routingKey ?? name };
}
