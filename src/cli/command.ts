import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** What the command line gave a command: its arguments in order, and its options by commander's names. */
export interface Call<O> {
  readonly args: readonly string[];
  readonly options: O;
  readonly context: CliContext;
}

/** One command, as a row of the table in `commands/index.ts`. */
export interface CliCommand<O> {
  readonly name: string;
  /** One sentence, shown in the list of commands. */
  readonly help: string;
  /** Command lines without the program's name, shown by `--help`. */
  readonly examples: readonly string[];
  /** Adds arguments and options, in commander's words. */
  define(command: Command): void;
  /** Does it, and gives the exit code: 0 when nothing is returned. */
  run(call: Call<O>): Promise<number | void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- A table of commands holds every kind of options.
export type AnyCliCommand = CliCommand<any>;

export const defineCommand = <O>(command: CliCommand<O>): CliCommand<O> => command;

/** Celery's: success, failure, wrong usage, nobody answered. */
export const exitCodes = { ok: 0, failure: 1, usage: 2, unavailable: 69 } as const;
