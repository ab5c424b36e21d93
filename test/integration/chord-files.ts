// The tasks of chords-without-store.test.ts, and of its pools' children, with results in the files of CHORDS_RESULTS.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Celery, Ignore } from '../../src/index.ts';
import type { SettingsInput } from '../../src/config/settings/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { fileBackend } from '../kit/file-backend.ts';

export function chordApp(settings: SettingsInput = {}) {
  const folder = process.env['CHORDS_RESULTS']!;
  const app = new Celery('proj', {
    broker: `memory://${crypto.randomUUID()}`,
    backend: `file://${folder}`,
    log: silentLogger,
    resultChordRetryInterval: 0.05,
    ...settings,
  });
  const driver = fileBackend(process.env['CHORDS_KIND'] as Parameters<typeof fileBackend>[0]);
  app.extend({ kind: 'backend', schemes: ['file'], load: () => Promise.resolve({ driver }) });
  const tasks = {
    add: app.task('proj.add', (x: number, y: number) => x + y),
    sum: app.task('proj.sum', (all: number[]) => all.reduce((a, b) => a + b, 0)),
    list: app.task('proj.list', (all: unknown) => all),
    boom: app.task('proj.boom', () => {
      throw new RangeError('no');
    }),
    quiet: app.task('proj.quiet', { ignoreResult: true }, (x: number) => x),
    ignored: app.task('proj.ignored', () => {
      throw new Ignore();
    }),
    tell: app.task('proj.tell', (id: string) => appendFileSync(join(folder, 'told'), id)),
  };
  return { app, tasks };
}

export const app = process.env['CHORDS_RESULTS'] === undefined ? undefined : chordApp().app;
