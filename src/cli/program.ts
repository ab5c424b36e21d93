import { inspect } from 'node:util';
import { Command, CommanderError, Option } from 'commander';
import { CeleryError } from '../errors.ts';
import { maskText } from '../kernel/broker-url.ts';
import { nearest } from '../kernel/nearest.ts';
import { exitCodes, type AnyCliCommand } from './command.ts';
import { CliContext, type GlobalOptions, type Terminal } from './context.ts';
import { notBuiltCommands } from './not-built.ts';

/** Runs one command line (without node and script) and gives its exit code. Never throws, never exits. */
export async function runProgram(commands: readonly AnyCliCommand[], argv: readonly string[], terminal: Terminal, version: string): Promise<number> {
  const exit = { code: exitCodes.ok as number };
  const complaint = complaintAbout(commands, argv, terminal.program);
  if (complaint !== undefined) {
    terminal.err(`Error: ${complaint}\n`);
    return exitCodes.usage;
  }
  const program = buildProgram(commands, terminal, version, (code) => {
    exit.code = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exit.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    terminal.err(`Error: ${messageOf(error, wantsDetail(argv, terminal.env))}\n`);
    return exitCodeOf(error);
  }
}

function buildProgram(commands: readonly AnyCliCommand[], terminal: Terminal, version: string, exit: (code: number) => void): Command {
  const program = globalOptions(new Command(terminal.program))
    .description('Distributed task queue for Node. Speaks Celery’s protocol.')
    .version(`${version} (celeriac)`, '--version', 'Print the version and exit.')
    .helpOption('--help', 'Show this and exit.')
    .helpCommand(false)
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: (command) => command.name(), showGlobalOptions: false })
    .addHelpText(
      'after',
      examplesText(terminal.program, ['-A tasks worker -l info', "-A tasks call tasks.add --args '[2, 2]'", '-A tasks inspect ping', 'worker --help']),
    );
  prepare(program, terminal);
  for (const command of commands) {
    const sub = program.command(command.name).description(command.help).helpOption('--help', 'Show this and exit.');
    prepare(sub, terminal);
    command.define(sub);
    sub.addHelpText('after', examplesText(terminal.program, command.examples)).action(async () => {
      const context = new CliContext(terminal, program.opts<GlobalOptions>());
      exit((await command.run({ args: sub.args, options: sub.opts(), context })) ?? exitCodes.ok);
    });
  }
  program.action(() => program.outputHelp());
  return program;
}

function globalOptions(program: Command): Command {
  return program
    .optionsGroup('Options (before the command):')
    .addOption(new Option('-A, --app <module>', 'The module that exports your app: tasks, proj.tasks:app, ./src/tasks.ts.').env('CELERY_APP'))
    .addOption(new Option('-b, --broker <url>', 'Broker, instead of the configured one; also CELERY_BROKER_URL.'))
    .addOption(new Option('--result-backend <url>', 'Result store, instead of the configured one; also CELERY_RESULT_BACKEND.'))
    .addOption(new Option('--config <module>', 'Module with settings.').env('CELERY_CONFIG_MODULE'))
    .addOption(new Option('--workdir <folder>', 'Folder to work in.'))
    .addOption(new Option('-C, --no-color', 'No colours in the log, as with NO_COLOR.'))
    .addOption(new Option('-q, --quiet', 'Say less: no banner.'))
    .addOption(new Option('--skip-checks', 'Taken for Celery’s sake; there is nothing to skip.').hideHelp());
}

const GLOBAL_VALUES = ['-A', '--app', '-b', '--broker', '--result-backend', '--config', '--workdir'];

/** What can be said before anything is parsed: of the command's name, and of options that stand after it but belong before. */
function complaintAbout(commands: readonly AnyCliCommand[], argv: readonly string[], program: string): string | undefined {
  const at = argv.findIndex((word, i) => !word.startsWith('-') && !GLOBAL_VALUES.includes(argv[i - 1] ?? ''));
  const name = argv[at];
  if (name === undefined) return undefined;
  if (!commands.some((command) => command.name === name)) return unknownCommand(name, commands, program);
  const end = argv.indexOf('--', at);
  const flag = argv
    .slice(at, end < 0 ? undefined : end)
    .map((word) => word.replace(/=.*$/s, ''))
    .find((word) => GLOBAL_VALUES.includes(word));
  return flag === undefined ? undefined : `${flag} belongs before the command: ${program} ${flag} … ${name} …`;
}

/** Errors and help go to the terminal given, and nothing ends the process. */
function prepare(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(`Error: ${text.replace(/^error: /, '').replace(/^./, (letter) => letter.toUpperCase())}`),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .showHelpAfterError(`Try '${[terminal.program, ...(command.parent === null ? [] : [command.name()])].join(' ')} --help' for help.`);
}

function examplesText(program: string, examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  ${program} ${example}`).join('\n')}\n`;
}

function unknownCommand(name: string, commands: readonly AnyCliCommand[], program: string): string {
  const instead = notBuiltCommands[name];
  if (instead !== undefined) return `There is no "${name}" in this version of celeriac yet.${instead === '' ? '' : ` ${instead}`}`;
  const meant = nearest(name, [...commands.map((command) => command.name), ...Object.keys(notBuiltCommands)]);
  return `No such command "${name}".${meant === undefined ? '' : ` Did you mean "${meant}"?`}\nTry '${program} --help' for help.`;
}

function exitCodeOf(error: unknown): number {
  const code = error instanceof CeleryError ? error.code : undefined;
  if (code === 'IMPROPERLY_CONFIGURED') return exitCodes.usage;
  return code === 'OPERATIONAL' ? exitCodes.unavailable : exitCodes.failure;
}

/** `-l debug`, or DEBUG set to anything: then every stack is shown, of causes too. */
function wantsDetail(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean {
  return (env['DEBUG'] ?? '') !== '' || /(?:^| )(?:-l|--loglevel)[ =]?debug(?: |$)/i.test(argv.join(' '));
}

function messageOf(error: unknown, isDetailed: boolean): string {
  if (isDetailed) return maskText(error instanceof Error ? inspect(error) : String(error));
  if (!(error instanceof CeleryError)) return maskText(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const hint = error.cause instanceof Error && error.message.includes('while it was loaded') ? '\n(DEBUG=1 in the environment shows the whole stack.)' : '';
  return maskText(error.message) + hint;
}
