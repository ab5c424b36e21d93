import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { createLogger, jsonFormat, textFormat, type Level, type Logger } from '../kernel/logger.ts';

export interface ProgramLog extends Disposable {
  readonly log: Logger;
}

/** The log of a program: to stderr, or at the end of a file, whose folder is made. */
export function openLog(options: {
  readonly clock: Clock;
  readonly level: Level;
  readonly format: 'text' | 'json';
  readonly file: string | undefined;
  readonly err: (text: string) => void;
}): ProgramLog {
  const target = options.file === undefined ? undefined : openFile(options.file);
  const log = createLogger({
    clock: options.clock,
    level: options.level,
    format: options.format === 'json' ? jsonFormat : textFormat,
    write: (line) => (target === undefined ? options.err(`${line}\n`) : writeSync(target, `${line}\n`)),
  });
  return { log, [Symbol.dispose]: () => target !== undefined && closeSync(target) };
}

function openFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a');
}
