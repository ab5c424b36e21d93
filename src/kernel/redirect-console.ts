import { Console } from 'node:console';
import { Writable } from 'node:stream';
import type { Level, Logger } from './logger.ts';

/** Makes every line that this process prints through `console` a line of the log, as Celery does with what tasks print. Disposing gives the old console back. */
export function redirectConsole(log: Logger, level: Level): Disposable {
  const before = globalThis.console;
  const say = methodOf(log, level);
  const lines = new Writable({
    decodeStrings: false,
    write(chunk: string, _, done) {
      for (const line of chunk.replace(/\n$/, '').split('\n')) say(line);
      done();
    },
  });
  globalThis.console = new Console({ stdout: lines, stderr: lines, colorMode: false });
  return {
    [Symbol.dispose]() {
      globalThis.console = before;
    },
  };
}

function methodOf(log: Logger, level: Level): (message: string) => void {
  switch (level) {
    case 'DEBUG':
      return (message) => log.debug(message);
    case 'INFO':
      return (message) => log.info(message);
    case 'WARNING':
      return (message) => log.warn(message);
    case 'ERROR':
      return (message) => log.error(message);
    case 'CRITICAL':
      return (message) => log.critical(message);
  }
}
