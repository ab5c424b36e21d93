import { expect, test } from 'vitest';
import { resolveSettings } from '../config/resolve.ts';
import type { SettingsInput } from '../config/settings/index.ts';
import { QueueNotFound } from '../errors.ts';
import { Broadcast, Exchange, Queue } from '../messaging/entities.ts';
import type { RouteOptions } from '../canvas/plan.ts';
import { Queues } from './queues.ts';
import { CallRouter } from './router.ts';

function route(settings: SettingsInput, name = 't.add', said: RouteOptions = {}) {
  const resolved = resolveSettings([{ brokerUrl: 'memory://' }, settings]);
  const {
    exchange,
    routingKey,
    queue,
    declare,
    deliveryMode,
    route: options,
  } = new CallRouter(resolved, new Queues(resolved)).destination({ name, args: [1], kwargs: { k: 2 }, route: said });
  return { exchange, routingKey, queue, declares: declare?.queue?.name, deliveryMode, options };
}

test('by default the default exchange and the name of the default queue', () => {
  expect(route({})).toMatchObject({ exchange: '', routingKey: 'celery', queue: 'celery', declares: 'celery', deliveryMode: 2 });
  expect(route({ taskDefaultQueue: 'mine' })).toMatchObject({ exchange: '', routingKey: 'mine' });
});

test('a queue behind a topic exchange is reached by that, with its routing key', () => {
  const taskQueues = [new Queue('feeds', { exchange: new Exchange('news', { type: 'topic', deliveryMode: 'transient' }), routingKey: 'news.all' })];
  expect(route({ taskQueues }, 't.add', { queue: 'feeds' })).toMatchObject({ exchange: 'news', routingKey: 'news.all', declares: 'feeds', deliveryMode: 1 });
  expect(route({ taskQueues }, 't.add', { queue: 'feeds', routingKey: 'news.sport' })).toMatchObject({ exchange: 'news', routingKey: 'news.sport' });
});

test('a broadcast queue is an exchange to publishers', () => {
  expect(route({ taskQueues: [new Broadcast('all')] }, 't.add', { queue: 'all' })).toMatchObject({ exchange: 'all', routingKey: '', declares: undefined });
});

test('an exchange and a routing key are taken as they are, and nothing is declared', () => {
  expect(route({}, 't.add', { exchange: 'ex', routingKey: 'key' })).toMatchObject({ exchange: 'ex', routingKey: 'key', queue: undefined, declares: undefined });
});

test('taskRoutes: names, globs, regular expressions and functions, the first that fits', () => {
  const taskRoutes = [
    { 'a.one': { queue: 'exact', priority: 7 }, 'feed.*': 'feeds', 'x.[!b]?': 'glob' },
    [/^(video|image)\./, 'media'],
    (name: string, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>) =>
      name === 'fn' ? { queue: `q${String(args[0])}${String(kwargs['k'])}` } : undefined,
  ] as const;
  const of = (name: string): string | undefined => route({ taskRoutes }, name).queue;
  expect([of('a.one'), of('feed.x.y'), of('x.ab'), of('x.bb'), of('video.cut'), of('fn'), of('other')]).toEqual([
    'exact',
    'feeds',
    'glob',
    'celery',
    'media',
    'q12',
    'celery',
  ]);
  expect(route({ taskRoutes }, 'a.one').options.priority).toBe(7);
});

test('what the call says wins over its route, which fills in the rest', () => {
  const taskRoutes = { 't.add': { queue: 'routed', priority: 3, serializer: 'yaml' } };
  expect(route({ taskRoutes }, 't.add', { queue: 'said' })).toMatchObject({ queue: 'said', options: { priority: 3, serializer: 'yaml' } });
});

test('a queue that is missing is made, or refused', () => {
  expect(route({ taskQueueMaxPriority: 10 }, 't.add', { queue: 'new' })).toMatchObject({ queue: 'new', declares: 'new' });
  expect(() => route({ taskCreateMissingQueues: false }, 't.add', { queue: 'new' })).toThrow(QueueNotFound);
  expect(() => route({ taskCreateMissingQueues: false }, 't.add', { queue: 'new' })).toThrow(/"new".*known: celery/);
});
