import type { Clock } from './clock.ts';

export type Level = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';
/** A level as users write it. */
export type LogLevel = Level | Lowercase<Level>;
const WEIGHT: Readonly<Record<Level, number>> = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40, CRITICAL: 50 };

/** What user code and the house log through; pino and winston fit. `data` are fields, shown by the JSON format and after the message in text; an `error` field shows its stack, a `process` field names whose line it is (`ForkPoolWorker-1`). */
export interface Logger {
  debug(message: string, data?: object): void;
  info(message: string, data?: object): void;
  warn(message: string, data?: object): void;
  error(message: string, data?: object): void;
  critical(message: string, data?: object): void;
  /** False where a line of that level goes nowhere, so that nobody need make it. A logger that does not say is given every line. */
  isEnabled?(level: Level): boolean;
}

export interface LogRecord {
  readonly level: Level;
  readonly message: string;
  readonly data: object | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly process: string;
}

/**
 * A logger of our own: everything at or above `level` is made a line by `format` and handed to `write`.
 * Its methods never throw: fields that cannot be shown are left out, and a line that `write` cannot take is lost.
 */
export function createLogger(options: {
  readonly clock: Clock;
  readonly level: Level;
  readonly write: (line: string) => void;
  readonly format?: (record: LogRecord) => string;
  readonly process?: string;
}): Logger {
  const least = WEIGHT[options.level];
  const format = options.format ?? textFormat;
  const log = (level: Level, message: string, data: object | undefined): void => {
    try {
      const record = { level, message, at: options.clock.now(), process: processOf(data) ?? options.process ?? 'MainProcess' };
      options.write(lineOf(format, record, data));
    } catch {
      // There is nowhere left to say it, and whoever logs has work to do.
    }
  };
  const at = (level: Level) => (WEIGHT[level] < least ? () => undefined : (message: string, data?: object) => log(level, message, data));
  return {
    debug: at('DEBUG'),
    info: at('INFO'),
    warn: at('WARNING'),
    error: at('ERROR'),
    critical: at('CRITICAL'),
    isEnabled: (level) => WEIGHT[level] >= least,
  };
}

function lineOf(format: (record: LogRecord) => string, record: Omit<LogRecord, 'data'>, data: object | undefined): string {
  try {
    return format({ ...record, data });
  } catch (error) {
    return format({ ...record, data: { unshown: String(error) } });
  }
}

export const silentLogger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, critical: () => undefined };

/** `INFO`, `info` and `warn` alike; undefined when it is none. */
export function levelOf(text: string): Level | undefined {
  const level = text
    .toUpperCase()
    .replace(/^WARN$/, 'WARNING')
    .replace(/^FATAL$/, 'CRITICAL');
  return level in WEIGHT ? (level as Level) : undefined;
}

/** Celery's line: `[2026-11-22 21:37:06,086: INFO/MainProcess] message`, in local time. A stack follows on lines of its own. */
export function textFormat(record: LogRecord): string {
  return `[${localTime(record.at)}: ${record.level}/${record.process}] ${record.message}${trailer(record.data)}`;
}

/** One JSON object a line. */
export function jsonFormat(record: LogRecord): string {
  const fields = Object.fromEntries(
    Object.entries(record.data ?? {}).map(([key, value]) => [
      key,
      value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : (value as unknown),
    ]),
  );
  return JSON.stringify(
    { time: new Date(record.at).toISOString(), level: record.level, process: record.process, message: record.message, ...fields },
    (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}

/** A line that was written for another process, such as a child that has no log of its own. */
function processOf(data: object | undefined): string | undefined {
  return data !== undefined && 'process' in data && typeof data.process === 'string' ? data.process : undefined;
}

function trailer(data: object | undefined): string {
  if (data === undefined) return '';
  const { error, process: _, ...rest } = data as { readonly error?: unknown; readonly process?: unknown };
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))}`);
  const stack = error === undefined ? '' : `\n${error instanceof Error ? (error.stack ?? String(error)) : String(error)}`;
  return fields.join('') + stack;
}

/** The text of the second that was last asked for: many lines share one. */
const cache = { second: -1, text: '' };
function localTime(at: number): string {
  const second = Math.floor(at / 1000);
  if (second !== cache.second) {
    const date = new Date(at);
    const two = (n: number): string => String(n).padStart(2, '0');
    cache.text = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    cache.second = second;
  }
  return `${cache.text},${String(Math.floor(at % 1000)).padStart(3, '0')}`;
}
