import { expect, test } from 'vitest';
import { ImproperlyConfigured } from '../errors.ts';
import { readSource, resolveSettings } from './resolve.ts';
import type { SettingsInput } from './settings/index.ts';

const resolve = (...layers: readonly Readonly<Record<string, unknown>>[]) =>
  resolveSettings(layers as readonly SettingsInput[], () => 'sqlite:////p/.celeriac/celeriac.db');

/** The exact words for what is wrong. */
function complaint(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ImproperlyConfigured);
    return (error as Error).message;
  }
  return 'nothing is wrong';
}

test('defaults are those of Celery 5.7, but for the pool', () => {
  expect(resolve({ brokerUrl: 'redis://' })).toMatchObject({
    taskDefaultQueue: 'celery',
    taskDefaultExchange: 'celery',
    taskDefaultRoutingKey: 'celery',
    taskSerializer: 'json',
    acceptContent: ['json'],
    resultExpires: '1d',
    workerPool: 'async',
    workerConcurrency: null,
    workerPrefetchMultiplier: 4,
    controlQueueExclusive: true,
    taskPublishRetryPolicy: { maxRetries: 3, intervalStart: 0, intervalStep: 0.2, intervalMax: 1 },
    brokerReadUrl: 'redis://',
    resultBackend: null,
    oldestPeer: '5.2',
  });
});

test('without a broker messages and results are in one file of the project', () => {
  const url = 'sqlite:////p/.celeriac/celeriac.db';
  expect(resolve()).toMatchObject({ brokerUrl: url, brokerReadUrl: url, brokerWriteUrl: url, resultBackend: url });
  expect(resolve({ resultBackend: 'redis://' })).toMatchObject({ brokerUrl: url, resultBackend: 'redis://' });
});

test('the last layer that says something is right; undefined says nothing, null does', () => {
  expect(resolve({ taskDefaultQueue: 'a', taskTimeLimit: 5 }, { taskDefaultQueue: undefined, taskTimeLimit: null })).toMatchObject({
    taskDefaultQueue: 'a',
    taskTimeLimit: null,
  });
});

test('a broker given in parts is put together', () => {
  const parts = { brokerTransport: 'redis', brokerHost: 'h', brokerPort: 6380, brokerUser: 'me', brokerPassword: 'p@ss', brokerVhost: '/3' };
  expect(resolve(parts).brokerUrl).toBe('redis://me:p%40ss@h:6380/3');
  expect(resolve({ brokerHost: 'redis://elsewhere/1' }).brokerUrl).toBe('redis://elsewhere/1');
});

test.each<[settings: Record<string, unknown>, message: string]>([
  [{ taskDefaultQueu: 'a' }, 'There is no setting "taskDefaultQueu". Did you mean "taskDefaultQueue"?'],
  [{ prefetchMultiplier: 1 }, 'There is no setting "prefetchMultiplier". Did you mean "workerPrefetchMultiplier"?'],
  [{ taskAcksLate: 'yes' }, 'taskAcksLate: expected true or false, but got the string "yes".'],
  [
    { taskTimeLimit: '10 sec' },
    "taskTimeLimit: expected seconds as a number, or a string such as '10s', '5m' or '1d', or null, but got the string \"10 sec\".",
  ],
  [{ taskTimeLimit: -1 }, "taskTimeLimit: expected seconds as a number, or a string such as '10s', '5m' or '1d', or null, but got -1."],
  [{ workerPrefetchMultiplier: 1.5 }, 'workerPrefetchMultiplier: expected a whole number, 0 or more, but got 1.5.'],
  [{ workerConcurrency: 'many' }, 'workerConcurrency: expected a whole number, or \'auto\', or null, but got the string "many".'],
  [{ brokerUrl: { host: 'x' } }, 'brokerUrl: expected a URL, or a list of URLs, or null, but got an object.'],
  [{ acceptContent: 'json' }, 'acceptContent: expected a list of strings, but got the string "json".'],
  [{ taskDefaultDeliveryMode: 3 }, "taskDefaultDeliveryMode: expected 1, 2, 'transient' or 'persistent', but got 3."],
  [{ taskProtocol: '2' }, 'taskProtocol: expected 1 or 2, but got the string "2".'],
  [{ taskDefaultRateLimit: '10/w' }, 'taskDefaultRateLimit: expected calls a second as a number, or a string such as \'100/m\', but got the string "10/w".'],
  [
    { taskRoutes: 'feeds' },
    'taskRoutes: expected an object of task name to queue or options, a function, or a list of these and of [pattern, route] pairs, or null, but got the string "feeds".',
  ],
  [{ taskQueues: [1] }, 'taskQueues: expected a list of queues and names, or an object of name to queue options, or null, but got a list.'],
  [{ beatSchedule: { a: {} } }, 'beatSchedule: expected an object of name to entry, each with a task and a schedule, but got an object.'],
  [
    { taskPublishRetryPolicy: { max: 3 } },
    'taskPublishRetryPolicy: expected an object with maxRetries, intervalStart, intervalStep, intervalMax, but got an object.',
  ],
  [{ workerRedirectStdoutsLevel: 'loud' }, 'workerRedirectStdoutsLevel: expected DEBUG, INFO, WARNING, ERROR or CRITICAL, but got the string "loud".'],
  [{ resultExpires: new Date(0) }, "resultExpires: expected seconds as a number, or a string such as '10s', '5m' or '1d', or null, but got a Date."],
  [{ oldestPeer: '5.6' }, "oldestPeer: expected '5.2' or '5.7', but got the string \"5.6\"."],
  [{ brokerHost: 7 }, 'brokerHost: expected a string, or null, but got 7.'],
  [{ brokerPassword: 7 }, 'brokerPassword: expected a string, or null, but got a number (not shown).'],
  [
    { brokerConnectionTimeout: 'redis://u:hush@h' },
    "brokerConnectionTimeout: expected seconds as a number, or a string such as '10s', '5m' or '1d', but got the string \"redis://u:**@h\".",
  ],
  [{ workerPoolStartMethod: 'forkserver' }, "workerPoolStartMethod: expected 'fork' or 'spawn', but got the string \"forkserver\"."],
  [
    { taskSoftTimeLimit: '2m', taskTimeLimit: 60 },
    'taskSoftTimeLimit (2m) is longer than taskTimeLimit (60): a task would be ended before it is asked to end.',
  ],
  [{ eventQueueDurable: true }, 'eventQueueDurable and eventQueueExclusive cannot both be true. Set eventQueueExclusive to false to have durable queues.'],
  [
    { taskAcksLate: 1, taskDefaultQueu: 'a' },
    '2 settings are wrong:\n  taskAcksLate: expected true or false, but got 1.\n  There is no setting "taskDefaultQueu". Did you mean "taskDefaultQueue"?',
  ],
])('refuses %j', (settings, message) => {
  expect(complaint(() => resolve(settings))).toBe(message);
});

test('what resembles no setting is the user’s own', () => {
  expect(resolve({ mailSender: 'me@here' })).toMatchObject({ mailSender: 'me@here' });
  expect(readSource({ MAIL_SENDER: 'me@here' })).toEqual({ mailSender: 'me@here' });
});

test.each<[source: Record<string, unknown>, settings: Record<string, unknown>]>([
  [{ taskDefaultQueue: 'a' }, { taskDefaultQueue: 'a' }],
  [{ task_default_queue: 'a' }, { taskDefaultQueue: 'a' }],
  [{ TASK_DEFAULT_QUEUE: 'a' }, { taskDefaultQueue: 'a' }],
  [
    { CELERY_DEFAULT_QUEUE: 'a', BROKER_URL: 'redis://' },
    { taskDefaultQueue: 'a', brokerUrl: 'redis://' },
  ],
  [
    { CELERYBEAT_SCHEDULE: {}, CELERYD_CONCURRENCY: 3 },
    { beatSchedule: {}, workerConcurrency: 3 },
  ],
  [
    { BROKER_URL: 'redis://', task_default_queue: 'a', TASK_TIME_LIMIT: 5 },
    { brokerUrl: 'redis://', taskDefaultQueue: 'a', taskTimeLimit: 5 },
  ],
  [
    { s3_access_key_id: 'k', azureblockblob_retry_initial_backoff_sec: 1 },
    { s3AccessKeyId: 'k', azureblockblobRetryInitialBackoffSec: 1 },
  ],
  [{ result_backend: undefined, imports: ['a'] }, { imports: ['a'] }],
  // Both generations name it: the greater number counts, as in Celery.
  [
    { task_default_queue: 'new', task_serializer: 'json', CELERY_DEFAULT_QUEUE: 'old' },
    { taskDefaultQueue: 'new', taskSerializer: 'json' },
  ],
  // Options inside keep Celery's spelling or ours; names of tasks and headers are nobody's to change.
  [{ task_publish_retry_policy: { max_retries: 5, interval_start: 1 } }, { taskPublishRetryPolicy: { maxRetries: 5, intervalStart: 1 } }],
  [{ task_routes: { my_task_a: { queue: 'x', routing_key: 'y' } } }, { taskRoutes: { my_task_a: { queue: 'x', routingKey: 'y' } } }],
  [{ task_annotations: { '*': { rate_limit: '10/s' } } }, { taskAnnotations: { '*': { rateLimit: '10/s' } } }],
])('reads %j', (source, settings) => {
  expect(readSource(source)).toEqual(settings);
});

test.each<[source: Record<string, unknown>, message: string]>([
  [{ task_default_queu: 'a' }, 'There is no setting "task_default_queu". Did you mean "task_default_queue"?'],
  [{ CELERY_RESULT_BACKENDS: 'rpc://' }, 'There is no setting "CELERY_RESULT_BACKENDS". Did you mean "CELERY_RESULT_BACKEND"?'],
  [{ task_acks_late: 'yes' }, 'task_acks_late: expected true or false, but got the string "yes".'],
  [
    { task_serializer: 'json', CELERY_DEFAULT_QUEUE: 'a' },
    'The names of Celery 3 and newer ones cannot be mixed. Rename CELERY_DEFAULT_QUEUE to task_default_queue.',
  ],
  [
    { CELERY_ROUTES: {}, CELERY_QUEUES: [], task_serializer: 'json' },
    'The names of Celery 3 and newer ones cannot be mixed. Rename CELERY_ROUTES to task_routes, CELERY_QUEUES to task_queues.',
  ],
  [{ taskDefaultQueue: 'a', task_default_queue: 'b' }, '"taskDefaultQueue" and "task_default_queue" are the same setting with different values. Keep one.'],
])('refuses to read %j', (source, message) => {
  expect(complaint(() => readSource(source))).toBe(message);
});

test('under a namespace only its keys count, in newer names', () => {
  const django = { DEBUG: true, SECRET_KEY: 's', CELERY_BROKER_URL: 'redis://', CELERY_TASK_DEFAULT_QUEUE: 'a' };
  expect(readSource(django, { namespace: 'CELERY' })).toEqual({ brokerUrl: 'redis://', taskDefaultQueue: 'a' });
  expect(complaint(() => readSource({ CELERY_ROUTES: {} }, { namespace: 'CELERY' }))).toBe(
    'There is no setting "CELERY_ROUTES" in the namespace CELERY. Did you mean "CELERY_TASK_ROUTES"?',
  );
  expect(complaint(() => readSource({ CELERY_TASK_DEFAULT_QUEU: 'a' }, { namespace: 'celery' }))).toBe(
    'There is no setting "CELERY_TASK_DEFAULT_QUEU". Did you mean "CELERY_TASK_DEFAULT_QUEUE"?',
  );
});
