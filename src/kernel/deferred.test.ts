import { expect, test } from 'vitest';
import { deferred } from './deferred.ts';

test('a deferred is settled by hand, once', async () => {
  const yes = deferred<number>();
  yes.resolve(1);
  yes.resolve(2);
  expect(await yes.promise).toBe(1);
  const no = deferred();
  no.reject(new Error('no'));
  await expect(no.promise).rejects.toThrow('no');
});
