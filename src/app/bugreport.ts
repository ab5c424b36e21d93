import { arch, platform, release } from 'node:os';
import { settingsTable } from '../config/settings/index.ts';
import type { Celery } from './celery.ts';

/** What a bug report should say: versions, platform, and the settings that differ from their defaults, without the secret ones. */
export function bugreport(app: Celery): string {
  const settings = app.conf as unknown as Readonly<Record<string, unknown>>;
  const changed = Object.entries(settingsTable).flatMap(([name, row]) => {
    const value = settings[name];
    if (value === undefined || JSON.stringify(value) === JSON.stringify(row.default)) return [];
    return [`${name}: ${row.secret ? '**' : (JSON.stringify(value) ?? String(value))}`];
  });
  return [
    `software -> celeriac; node ${process.version}`,
    `platform -> ${platform()} ${release()} ${arch()}`,
    `app -> ${app.main}`,
    `settings ->`,
    ...changed.map((line) => `  ${line}`),
  ].join('\n');
}
