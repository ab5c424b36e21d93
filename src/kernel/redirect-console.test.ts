import { expect, test } from 'vitest';
import { silentLogger } from './logger.ts';
import { redirectConsole } from './redirect-console.ts';

test('what is printed becomes lines of the log, until it is over', () => {
  const said: string[] = [];
  const before = globalThis.console;
  {
    using _redirected = redirectConsole({ ...silentLogger, warn: (message) => void said.push(message) }, 'WARNING');
    globalThis.console.log('hello %s', 'there', { x: 1 });
    globalThis.console.error('one\ntwo');
  }
  expect(said).toEqual(['hello there { x: 1 }', 'one', 'two']);
  expect(globalThis.console).toBe(before);
});
