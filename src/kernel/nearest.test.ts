import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

test.each([
  ['broker_ulr', 'broker_url'],
  ['BrokerUrl', 'broker_url'],
  ['task_serialiser', 'task_serializer'],
  ['zzz', undefined],
])('%s was meant to be %s', (word, meant) => {
  expect(nearest(word, ['broker_url', 'task_serializer', 'timezone'])).toBe(meant);
});
