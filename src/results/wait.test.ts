import { expect, test } from 'vitest';
import { Celery } from '../app/celery.ts';

const app = new Celery('x', { broker: 'memory://', backend: 'memory://' });

// Taken for "no time limit" they would wait for ever.
test.each([[{ timeout: '10x' }], [{ timeout: Number.NaN }], [10], ['10s']])('what is no time limit is refused: %j', async (options) => {
  await expect(app.AsyncResult('nobody').get(options as never)).rejects.toThrow('expected a time limit such as { timeout: 10 }');
});

test('a time limit of null is none', async () => {
  const never = new AbortController();
  const waiting = app.AsyncResult('nobody').get({ timeout: null, signal: never.signal } as never);
  never.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
