import { describe, expect, test } from 'vitest';
import { Celery } from '../app/celery.ts';

const app = new Celery('x', { broker: 'memory://', backend: 'memory://' });

// Taken for "no time limit" they would wait for ever.
test.each([[{ timeout: '10x' }], [{ timeout: Number.NaN }], [10], ['10s']])('what is no time limit is refused: %j', async (options) => {
  await expect(app.AsyncResult('nobody').get(options as never)).rejects.toThrow('expected a time limit such as { timeout: 10 }');
});

describe('a misspelled option is refused, and told the nearest,', () => {
  const slip = { timout: 1 } as never;
  const words = '"timout" is not an option of waiting for a result; did you mean "timeout"?';
  const result = app.AsyncResult('nobody');
  const both = app.ResultSet([result, app.AsyncResult('no one')]);
  test.each([
    ['get() of a result', () => result.get(slip)],
    ['get() of several', () => both.get(slip)],
    ['join()', () => both.join(slip)],
    ['getLeaf()', () => result.getLeaf(slip)],
    ['updates() of a result', () => result.updates(slip)[Symbol.asyncIterator]().next()],
    ['updates() of several', () => both.updates(slip)[Symbol.asyncIterator]().next()],
    ['get() of what was run here and now', async () => (await app.task('x.one', () => 1).apply([])).get(slip)],
  ])('by %s', async (_, wait) => {
    await expect(wait()).rejects.toThrow(words);
  });

  test('and as Celery writes it, and one that is like none', async () => {
    await expect(result.get({ on_message: () => undefined } as never)).rejects.toThrow('did you mean "onMessage"?');
    await expect(result.get({ no_ack: true } as never)).rejects.toThrow('expected one of timeout, signal,');
  });
});

test('a time limit of null is none', async () => {
  const never = new AbortController();
  const waiting = app.AsyncResult('nobody').get({ timeout: null, signal: never.signal } as never);
  never.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
