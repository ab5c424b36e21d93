import { expect, onTestFinished, test } from 'vitest';
import { Worker } from '../index.ts';
import { silentLogger } from '../kernel/logger.ts';
import { decodeJson, encodeJson } from '../protocol/json-text.ts';
import { Celery } from './celery.ts';
import { coreOf } from './core.ts';

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}

/** An app that knows points, and one that does not, at the same broker. */
function setUp(settings: object = {}) {
  const url = `memory://${crypto.randomUUID()}`;
  const app = new Celery('shop', { broker: url, backend: url, log: silentLogger, ...settings });
  app.extend({
    kind: 'type',
    name: 'shop-point',
    test: (value) => value instanceof Point,
    encode: (value) => [(value as Point).x, (value as Point).y],
    decode: (value) => new Point(...(value as [number, number])),
  });
  const other = new Celery('other', { broker: url, backend: url, log: silentLogger });
  onTestFinished(async () => {
    await app.close();
    await other.close();
  });
  const mirror = app.task('shop.mirror', (points: readonly unknown[]) => {
    const [first] = points as readonly Point[];
    return { mirrored: first instanceof Point ? new Point(first.y, first.x) : 'no point' };
  });
  return { app, mirror, other };
}

test('values of a type that an app was taught travel as arguments and results', async () => {
  const { app, mirror } = setUp();
  await using worker = new Worker(app);
  await worker.start();
  const result = await mirror.delay([new Point(1, 2)] as never);
  expect(await result.get({ timeout: 5 })).toEqual({ mirrored: new Point(2, 1) });
  expect(((await result.info()) as { mirrored: unknown }).mirrored).toBeInstanceOf(Point);
});

test('and with what a task makes of itself: a retry, a replacement, a state', async () => {
  const { app, mirror } = setUp();
  const again = app.task('shop.again', { bind: true, maxRetries: 1, defaultRetryDelay: 0 }, async (self, points: readonly Point[]): Promise<unknown> => {
    await self.updateState({ state: 'PROGRESS', meta: { at: new Point(0, 0) } });
    if (self.request.retries === 0) return self.retry({ args: [[new Point(5, 6)]], countdown: 0 });
    return self.replace(mirror.s(points as never));
  });
  await using worker = new Worker(app);
  await worker.start();
  expect(await (await again.delay([new Point(1, 2)] as never)).get({ timeout: 10 })).toEqual({ mirrored: new Point(6, 5) });
});

test('and with calls that run here', async () => {
  const { mirror } = setUp({ taskAlwaysEager: true });
  expect(await (await mirror.delay([new Point(1, 2)] as never)).get()).toEqual({ mirrored: new Point(2, 1) });
});

test('they are kombu’s typed values on the wire, and no other app’s', async () => {
  const { app, mirror, other } = setUp();
  const result = await mirror.delay([new Point(1, 2)] as never);
  const link = await coreOf(other).openLink('test');
  const channel = await (await link.connection()).openChannel();
  const delivery = (await channel.get('celery'))!;
  expect((delivery.message.body as { readonly text: string }).text).toMatch(/^\[\[\[\{"__type__":"shop-point","__value__":\[1,2\]\}\]\],/);
  await delivery.settle('ack');
  await link.close();
  await app.backend.save({
    taskId: result.id,
    status: 'SUCCESS',
    result: decodeJson('{"__type__":"shop-point","__value__":[3,4]}'),
    traceback: null,
    dateDone: new Date(),
  });
  expect(await result.get({ timeout: 5 })).toEqual(new Point(3, 4));
  await expect(other.AsyncResult(result.id).get({ timeout: 5 })).rejects.toThrow(/type "shop-point", which this app does not know/);
});

test('names that mean something already are refused, and types that nobody knows', () => {
  const { app } = setUp();
  expect(() => app.extend({ kind: 'type', name: 'uuid', test: () => false, encode: () => null, decode: () => null })).toThrow(/a name of its own/);
  expect(() => decodeJson('{"__type__":"nobody","__value__":1}')).toThrow(/unknown type/);
  expect(encodeJson(decodeJson('{"__type__":"shop-point","__value__":[1,2]}'))).toBe('{"__type__":"shop-point","__value__":[1,2]}');
});
