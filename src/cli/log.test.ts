import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { isColourful, openLog } from './log.ts';

const given = { clock: createFakeClock(), level: 'DEBUG', format: 'text', isColourful: false, file: undefined, err: () => undefined } as const;

test('messages have the colours of Celery’s levels, and INFO none', () => {
  const lines: string[] = [];
  using opened = openLog({ ...given, isColourful: true, err: (text) => lines.push(text) });
  const { log } = opened;
  for (const level of ['debug', 'info', 'warn', 'error', 'critical'] as const) log[level]('said');
  expect(lines.map((line) => line.slice(line.indexOf('] ') + 2))).toEqual([
    '\u001B[1;34msaid\u001B[0m\n',
    'said\n',
    '\u001B[1;33msaid\u001B[0m\n',
    '\u001B[1;31msaid\u001B[0m\n',
    '\u001B[1;35msaid\u001B[0m\n',
  ]);
});

test.each([
  ['a terminal', {}, true],
  ['a pipe', { isTerminal: false }, false],
  ['a file', { toFile: true }, false],
  ['a pipe, where the setting asks for it', { isTerminal: false, setting: true }, true],
  ['a terminal, where the setting forbids it', { setting: false }, false],
  ['--no-color', { allowed: false, setting: true }, false],
  ['NO_COLOR', { env: { NO_COLOR: '1' } }, false],
  ['an empty NO_COLOR', { env: { NO_COLOR: '' } }, true],
])('colours on %s', (_, options, expected) => {
  expect(isColourful({ allowed: true, setting: null, toFile: false, isTerminal: true, env: {}, ...options })).toBe(expected);
});

test('a log file that is moved away is begun again', () => {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-log-'));
  const file = join(dir, 'deep', 'w.log');
  {
    using opened = openLog({ ...given, file });
    opened.log.info('before');
    renameSync(file, `${file}.1`);
    opened.log.info('after');
    process.emit('SIGHUP', 'SIGHUP');
    opened.log.info('at the end');
  }
  expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/^\S+ \S+ INFO\/MainProcess\] before\n$/);
  expect(readFileSync(file, 'utf8')).toMatch(/\] after\n.*\] at the end\n$/);
  expect(process.listenerCount('SIGHUP')).toBe(0);
  rmSync(dir, { recursive: true });
});

test.skipIf(process.platform !== 'linux')('a full disk costs lines, and nothing else: stderr hears of it once, and the file how many are missing', () => {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-log-'));
  const file = join(dir, 'w.log');
  const said: string[] = [];
  {
    using opened = openLog({ ...given, file, err: (text) => said.push(text) });
    for (let round = 0; round < 2; round++) {
      symlinkSync('/dev/full', `${file}.full`);
      renameSync(`${file}.full`, file);
      for (const line of ['lost', 'lost too']) opened.log.info(line);
      unlinkSync(file);
      opened.log.info('written');
      opened.log.info('and on');
      expect(readFileSync(file, 'utf8')).toMatch(/^\n.*WARNING\/MainProcess\] 2 log lines before this one could not be written\n.*\] written\n.*\] and on\n$/);
    }
  }
  expect(said).toEqual([expect.stringMatching(/ERROR\/MainProcess\] The log file .*w\.log takes no lines \(ENOSPC.*\n$/), expect.stringContaining('ENOSPC')]);
  rmSync(dir, { recursive: true });
});

test('a log file that cannot be opened again goes on where it was', () => {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-log-'));
  const file = join(dir, 'w.log');
  const said: string[] = [];
  {
    using opened = openLog({ ...given, file, err: (text) => said.push(text) });
    renameSync(file, `${file}.1`);
    // Whoever runs the tests may be root, whom no permission stops; a folder in its place is an error for all.
    mkdirSync(file);
    opened.log.info('first');
    process.emit('SIGHUP', 'SIGHUP');
    opened.log.info('second');
    rmSync(file, { recursive: true });
    opened.log.info('third');
  }
  expect(said).toEqual([expect.stringMatching(/The log file .*w\.log cannot be opened \(EISDIR/)]);
  expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/\] first\n.*\] second\n$/);
  expect(readFileSync(file, 'utf8')).toMatch(/^.*\] third\n$/);
  rmSync(dir, { recursive: true });
});
