import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedFile, embeddedUrl } from './embedded.ts';
import { maskSettings, settingsReport, unbuiltSettings } from './report.ts';
import { resolveSettings } from './resolve.ts';
import type { SettingsInput } from './settings/index.ts';
import { commandLineSettings, environmentInclude, environmentNumber, environmentSettings, moduleSettings } from './sources.ts';

test('the environment gives the broker and the result store; empty is not given', () => {
  const env = { CELERY_BROKER_URL: 'redis://a', CELERY_RESULT_BACKEND: '', CELERY_BROKER_WRITE_URL: 'redis://w' };
  expect(environmentSettings(env)).toEqual({ brokerUrl: 'redis://a', brokerReadUrl: undefined, brokerWriteUrl: 'redis://w', resultBackend: undefined });
});

test('what a worker’s command line said reaches its children through the environment', () => {
  expect(environmentSettings({ CELERIAC_SETTINGS: '["worker.prefetch_multiplier=1","task_acks_late=true"]' })).toMatchObject({
    workerPrefetchMultiplier: 1,
    taskAcksLate: true,
  });
  expect(environmentInclude({ CELERIAC_INCLUDE: 'a.b,./c.ts' })).toEqual(['a.b', './c.ts']);
  expect(environmentInclude({})).toEqual([]);
});

test('numbers of the environment must be numbers', () => {
  expect(environmentNumber('CELERY_WORKER_REVOKES_MAX', 50_000, { CELERY_WORKER_REVOKES_MAX: '7' })).toBe(7);
  expect(environmentNumber('CELERY_WORKER_REVOKES_MAX', 50_000, {})).toBe(50_000);
  expect(() => environmentNumber('CELERY_WORKER_REVOKES_MAX', 1, { CELERY_WORKER_REVOKES_MAX: 'many' })).toThrow(
    'The environment variable CELERY_WORKER_REVOKES_MAX should be a number, but is "many".',
  );
});

test('a module gives its default export, else its named exports', () => {
  expect(moduleSettings({ default: { task_default_queue: 'a' } })).toEqual({ taskDefaultQueue: 'a' });
  expect(moduleSettings({ taskDefaultQueue: 'a', brokerUrl: 'redis://' })).toEqual({ taskDefaultQueue: 'a', brokerUrl: 'redis://' });
});

test('the command line sets anything', () => {
  expect(
    commandLineSettings([
      '.prefetch_multiplier=1',
      'task_acks_late=yes',
      'task.default_queue=7',
      'broker_url=redis://h',
      'acceptContent=["json","yaml"]',
      'result_expires=1h',
    ]),
  ).toEqual({
    workerPrefetchMultiplier: 1,
    taskAcksLate: true,
    taskDefaultQueue: '7',
    brokerUrl: 'redis://h',
    acceptContent: ['json', 'yaml'],
    resultExpires: '1h',
  });
  expect(() => commandLineSettings(['.prefetch=1'])).toThrow('There is no setting "worker_prefetch". Did you mean "worker_prefetch_multiplier"');
  expect(() => commandLineSettings(['worker.prefetch_multiplyer=1'])).toThrow('Did you mean "worker_prefetch_multiplier"?');
  expect(() => commandLineSettings(['task_acks_late=maybe'])).toThrow('task_acks_late: expected true or false, but got the string "maybe".');
  expect(() => commandLineSettings(['verbose'])).toThrow('After -- settings are expected, such as worker.prefetch_multiplier=1, but got "verbose".');
});

test('the embedded file lies beside the nearest package.json above, else in the directory', () => {
  const root = mkdtempSync(join(tmpdir(), 'celeriac-'));
  mkdirSync(join(root, 'a b', 'deep'), { recursive: true });
  expect(embeddedFile(join(root, 'a b', 'deep'))).toBe(join(root, 'a b', 'deep', '.celeriac', 'celeriac.db'));
  writeFileSync(join(root, 'a b', 'package.json'), '{}');
  expect(embeddedFile(join(root, 'a b', 'deep'))).toBe(join(root, 'a b', '.celeriac', 'celeriac.db'));
  expect(embeddedUrl(join(root, 'a b'))).toBe(`sqlite:///${root}/a%20b/.celeriac/celeriac.db`);
});

test('no secret is shown', () => {
  const settings = resolveSettings([
    {
      brokerUrl: ['redis://u:hush@h/1', 'redis://u:hush@h/2'],
      resultBackend: 'redis://:hush@h',
      brokerTransportOptions: { password: 'hush', sentinel_kwargs: { password: 'hush' }, visibility_timeout: 5 },
      s3SecretAccessKey: 'hush',
      taskDefaultRoutingKey: 'shown',
      mailPassword: 'hush',
    } as SettingsInput,
  ]);
  const shown = maskSettings(settings, { changed: true });
  expect(JSON.stringify(shown)).not.toContain('hush');
  expect(shown).toMatchObject({
    broker_url: ['redis://u:**@h/1', 'redis://u:**@h/2'],
    result_backend: 'redis://:**@h',
    broker_transport_options: { password: '********', visibility_timeout: 5 },
    s3_secret_access_key: '********',
    task_default_routing_key: 'shown',
    mail_password: '********',
  });
  expect(shown).not.toHaveProperty('task_acks_late');
  expect(settingsReport(settings)).toContain("result_backend: 'redis://:**@h'\n");
});

test('settings of what is not built are known', () => {
  expect(unbuiltSettings(resolveSettings([{ brokerUrl: 'redis://', beatSyncEvery: 1, taskAcksLate: true, securityDigest: 'sha256' }]))).toEqual([
    'beatSyncEvery',
  ]);
});
