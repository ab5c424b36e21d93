import { closeSync, fstatSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { createLogger, jsonFormat, textFormat, type Level, type LogRecord, type Logger } from '../kernel/logger.ts';

export interface ProgramLog extends Disposable {
  readonly log: Logger;
}

/** The log of a program: to stderr, or at the end of a file, whose folder is made. */
export function openLog(options: {
  readonly clock: Clock;
  readonly level: Level;
  readonly format: 'text' | 'json';
  readonly file: string | undefined;
  /** Messages in the colour of their level. JSON has none. */
  readonly isColourful: boolean;
  readonly err: (text: string) => void;
}): ProgramLog {
  const { clock, level, err } = options;
  const format = options.format === 'json' ? jsonFormat : options.isColourful ? colourFormat : textFormat;
  const lineOf = (about: Level, message: string): string => `${format({ level: about, message, data: undefined, at: clock.now(), process: 'MainProcess' })}\n`;
  const file =
    options.file === undefined
      ? undefined
      : new LogFile(options.file, {
          onTrouble: (trouble) => err(lineOf('ERROR', trouble)),
          lossLine: (lost) => lineOf('WARNING', `${lost} log line${lost === 1 ? '' : 's'} before this one could not be written`),
        });
  const write = file === undefined ? err : (text: string): void => file.write(text);
  const log = createLogger({ clock, level, format, write: (line) => write(`${line}\n`) });
  // A program that is told to hang up ends, unless it has a log file, which is what whoever rotates logs means by it.
  const hear = (): void => file?.reopen();
  if (file !== undefined) process.on('SIGHUP', hear);
  return {
    log,
    [Symbol.dispose]: () => {
      process.off('SIGHUP', hear);
      file?.[Symbol.dispose]();
    },
  };
}

/** Celery's choice: what `workerLogColor` says, else colours on a terminal; `--no-color` and NO_COLOR (no-color.org) forbid them. */
export function isColourful(options: {
  readonly allowed: boolean;
  readonly setting: boolean | null;
  readonly toFile: boolean;
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}): boolean {
  if (!options.allowed || (options.env['NO_COLOR'] ?? '') !== '') return false;
  return options.setting ?? (!options.toFile && options.isTerminal);
}

/** Celery's colours; INFO has none. */
const COLOURS: Readonly<Partial<Record<Level, number>>> = { DEBUG: 34, WARNING: 33, ERROR: 31, CRITICAL: 35 };

function colourFormat(record: LogRecord): string {
  const colour = COLOURS[record.level];
  return textFormat(colour === undefined ? record : { ...record, message: `\u001B[1;${colour}m${record.message}\u001B[0m` });
}

interface LogFileTold {
  onTrouble(trouble: string): void;
  /** The line that says how many lines before it are missing. */
  lossLine(lost: number): string;
}

/**
 * A file that is appended to under its name: when somebody has moved it away, the next line begins a new one. Once it is open nothing throws,
 * since no program should end because its log cannot be written: it says so once, and in the file how many lines were lost, when it takes lines again.
 */
class LogFile implements Disposable {
  readonly #path: string;
  readonly #told: LogFileTold;
  #fd: number;
  #lost = 0;
  #isTroubled = false;

  constructor(path: string, told: LogFileTold) {
    this.#path = path;
    this.#told = told;
    this.#fd = openAtEnd(path);
  }

  write(text: string): void {
    const unopened = failureOf(() => this.#wasMoved() && this.#reopen());
    // What failed may have left half a line behind.
    const unwritten = failureOf(() => writeFileSync(this.#fd, this.#lost === 0 ? text : `\n${this.#told.lossLine(this.#lost)}${text}`));
    this.#lost = unwritten === undefined ? 0 : this.#lost + 1;
    this.#tell(
      unwritten !== undefined
        ? `takes no lines (${unwritten.message}): they are lost until it does`
        : unopened !== undefined
          ? `cannot be opened (${unopened.message}): until it can, lines go on to the file that had this name before`
          : undefined,
    );
  }

  reopen(): void {
    const unopened = failureOf(() => this.#reopen());
    if (unopened !== undefined) this.#tell(`cannot be opened again (${unopened.message}): lines go on to the file as it is`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #reopen(): void {
    const before = this.#fd;
    this.#fd = openAtEnd(this.#path);
    closeSync(before);
  }

  #wasMoved(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    const ours = fstatSync(this.#fd);
    return there === undefined || there.ino !== ours.ino || there.dev !== ours.dev;
  }

  /** Once for as long as there is trouble, not with each line. */
  #tell(trouble: string | undefined): void {
    if (trouble !== undefined && !this.#isTroubled) this.#told.onTrouble(`The log file ${this.#path} ${trouble}`);
    this.#isTroubled = trouble !== undefined;
  }
}

function failureOf(action: () => unknown): Error | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function openAtEnd(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a');
}
