import { expect, test } from 'vitest';
import { Celery } from '../index.ts';
import { bugReport } from './report.ts';

test('a bug report begins as Python’s tools expect, names what was changed, and keeps secrets wherever they are', () => {
  const app = new Celery('shop', {
    broker: 'redis://:hidden1@localhost:1/0',
    taskDefaultQueue: 'mail',
    brokerTransportOptions: { sentinel_kwargs: { password: 'hidden2' }, url: 'redis://:hidden3@localhost' },
  });
  const report = app.bugreport();
  expect(report.trim()).toMatch(/^software -> celery:5\.\d+\.\d+ celeriac:\S+ node:\S+\nplatform -> /);
  expect(report).toContain("task_default_queue: 'mail'");
  expect(report).not.toContain('hidden');
  expect(report).toBe(bugReport(app.conf));
});
