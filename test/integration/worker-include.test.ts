import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Celery, Worker } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';

test('a worker used from code loads what imports, include and its own include name, by path or name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-include-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const loaded: string[] = [];
  (globalThis as Record<string, unknown>)['includedModules'] = loaded;
  for (const name of ['first', 'second', 'third']) writeFileSync(join(folder, `${name}.mjs`), `globalThis.includedModules.push('${name}');`);
  const url = `memory://${crypto.randomUUID()}`;
  const settings = { imports: [join(folder, 'first')], include: [join(folder, 'second.mjs')] };
  await using app = new Celery('proj', { broker: url, backend: url, log: silentLogger, ...settings });
  await using worker = new Worker(app, { include: [join(folder, 'third')] });
  await worker.start();
  expect(loaded).toEqual(['first', 'second', 'third']);
});

test('a module that is not there keeps it from starting, and is named', async () => {
  await using app = new Celery('proj', { broker: 'memory://', log: silentLogger, imports: ['no.such.module'] });
  await expect(new Worker(app).start()).rejects.toThrow(/no\.such\.module \(in imports, include or -I\): no such module/);
});
