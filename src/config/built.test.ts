import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rowOf, type SettingName } from './names.ts';
import { settingsTable } from './settings/index.ts';

const src = join(import.meta.dirname, '..');

test('every setting that counts as built is read by something', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /^(?!config\/).*(?<!\.test)\.ts$/.test(file));
  const code = [...files, 'config/resolve.ts'].map((file) => readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')).join('\n');
  const words = new Set(code.match(/\w+/g));
  const unread = (Object.keys(settingsTable) as SettingName[]).filter((name) => rowOf(name).built && !words.has(name));
  expect(unread).toEqual([]);
});

test('no two settings share a name of Celery 3', () => {
  const old = Object.values(settingsTable).flatMap((row) => row.old ?? []);
  expect(old.filter((name, i) => old.indexOf(name) !== i)).toEqual([]);
});

test('every default is a value that its setting takes', () => {
  for (const [name, row] of Object.entries(settingsTable)) expect([name, row.kind.read(row.default)]).toEqual([name, row.default]);
});
