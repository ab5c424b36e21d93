import { expect, test } from 'vitest';
import { resolveSettings } from '../config/resolve.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { silentLogger } from '../kernel/logger.ts';
import { encoded } from '../protocol/json-text.ts';
import { jsonCodec } from '../testing/conformance/backend.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { backendSchemes, loadBackend } from './registry.ts';

test('loads the backend of every scheme in the table', async () => {
  for (const scheme of backendSchemes) expect((await loadBackend(scheme)).name).toBeTruthy();
});

test('a misspelled scheme is told the nearest', async () => {
  await expect(loadBackend('sqllite')).rejects.toThrow('did you mean "sqlite://"?');
});

test.each(['mysql', '', 'toString', '__proto__'])('names the known ones when asked for %j', async (scheme) => {
  const error = await loadBackend(scheme).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ImproperlyConfigured);
  expect((error as Error).message).toContain('redis://');
});

test('a disabled backend takes what is saved, and says clearly that nothing can be asked of it', async () => {
  const driver = await loadBackend('disabled');
  const backend = await driver.open({
    url: new URL('disabled://'),
    clock: createFakeClock(),
    log: silentLogger,
    codec: jsonCodec,
    expiresMs: null,
    failureExpiresMs: null,
    chordExpiresMs: null,
    chordJoinTimeoutMs: 3000,
    transportOptions: {},
    settings: resolveSettings([{ brokerUrl: 'memory://' }]),
  });
  await backend.save({ task_id: 't', status: 'SUCCESS', result: encoded(1), traceback: null, children: [], date_done: null });
  await backend.saveGroup('g', []);
  await backend.forget(['t']);
  await expect(backend.load('t')).rejects.toThrow(/keeps no results.*resultBackend/s);
  await expect(backend.loadGroup('g')).rejects.toThrow(ImproperlyConfigured);
  expect(() => backend.watch(['t'], { states: 'final', signal: new AbortController().signal })).toThrow(ImproperlyConfigured);
});
