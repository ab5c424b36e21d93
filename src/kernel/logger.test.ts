import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createLogger, jsonFormat, levelOf, silentLogger, textFormat } from './logger.ts';

const at = new Date(2026, 10, 22, 21, 37, 6, 86).getTime();

test("lines look like Celery's", () => {
  expect(textFormat({ level: 'INFO', message: 'ready', data: undefined, at, process: 'MainProcess' })).toBe(
    '[2026-11-22 21:37:06,086: INFO/MainProcess] ready',
  );
  expect(textFormat({ level: 'WARNING', message: 'm', data: { task: 'a', n: 1 }, at, process: 'P' })).toBe('[2026-11-22 21:37:06,086: WARNING/P] m task=a n=1');
  expect(textFormat({ level: 'ERROR', message: 'm', data: { error: new Error('why') }, at, process: 'P' })).toMatch(/ m\nError: why\n {4}at /);
});

test('json lines are one object each, whatever is in them', () => {
  const line = jsonFormat({ level: 'ERROR', message: 'm', data: { big: 5n, error: new TypeError('why') }, at, process: 'P' });
  expect(JSON.parse(line)).toMatchObject({
    time: new Date(at).toISOString(),
    level: 'ERROR',
    process: 'P',
    message: 'm',
    big: '5',
    error: { name: 'TypeError', message: 'why' },
  });
  expect(line).not.toContain('\n');
});

test('what is below the level is not written', () => {
  const lines: string[] = [];
  const log = createLogger({
    clock: createFakeClock(at),
    level: 'WARNING',
    write: (line) => lines.push(line),
    format: ({ level, message }) => `${level} ${message}`,
  });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  log.critical('e');
  silentLogger.error('f');
  expect(lines).toEqual(['WARNING c', 'ERROR d', 'CRITICAL e']);
});

test('whoever logs is never thrown at: not by fields that cannot be shown, nor by a sink that fails', () => {
  const lines: string[] = [];
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  for (const format of [textFormat, jsonFormat]) {
    const log = createLogger({ clock: createFakeClock(at), level: 'INFO', format, write: (line) => lines.push(line) });
    log.info('a circle', { circle });
  }
  expect(lines).toEqual([
    expect.stringMatching(/ a circle unshown=TypeError: .*circular/),
    expect.stringMatching(/"message":"a circle","unshown":"TypeError: .*circular/),
  ]);

  const tried: string[] = [];
  const log = createLogger({
    clock: createFakeClock(at),
    level: 'INFO',
    write(line) {
      tried.push(line);
      throw new Error('ENOSPC');
    },
  });
  log.error('one');
  log.info('two');
  expect(tried).toEqual([expect.stringMatching(/ one$/), expect.stringMatching(/ two$/)]);
});

test('levels are read in any case and by their short names', () => {
  expect(['info', 'WARN', 'warning', 'fatal', 'loud'].map(levelOf)).toEqual(['INFO', 'WARNING', 'WARNING', 'CRITICAL', undefined]);
  expect(levelOf('constructor')).toBeUndefined();
});
