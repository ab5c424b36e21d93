import { closeSync, fstatSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
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
  const file = options.file === undefined ? undefined : new LogFile(options.file);
  const log = createLogger({
    clock: options.clock,
    level: options.level,
    format: options.format === 'json' ? jsonFormat : options.isColourful ? colourFormat : textFormat,
    write: (line) => (file === undefined ? options.err(`${line}\n`) : file.write(`${line}\n`)),
  });
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

/** A file that is appended to under its name: when somebody has moved it away, the next line begins a new one. */
class LogFile implements Disposable {
  readonly #path: string;
  #fd: number;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openAtEnd(path);
  }

  write(text: string): void {
    if (this.#wasMoved()) this.reopen();
    writeSync(this.#fd, text);
  }

  reopen(): void {
    const before = this.#fd;
    this.#fd = openAtEnd(this.#path);
    closeSync(before);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #wasMoved(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    const ours = fstatSync(this.#fd);
    return there === undefined || there.ino !== ours.ino || there.dev !== ours.dev;
  }
}

function openAtEnd(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a');
}
