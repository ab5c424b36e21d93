import { expect, test } from 'vitest';
import { ImproperlyConfigured } from '../errors.ts';
import { loadTransport, transportSchemes } from './registry.ts';

test('loads the transport of every scheme in the table', async () => {
  for (const scheme of transportSchemes) expect((await loadTransport(scheme)).capabilities.exchangeTypes.has('direct')).toBe(true);
});

test('a misspelled scheme is told the nearest', async () => {
  await expect(loadTransport('reddis')).rejects.toThrow('did you mean "redis://"?');
});

test.each(['kafka', '', 'constructor'])('names the known ones when asked for %j', async (scheme) => {
  const error = await loadTransport(scheme).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ImproperlyConfigured);
  expect((error as Error).message).toContain('sqlite://');
});
