import { expect, test, vi } from 'vitest';
import { runGuide } from './guide.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 300_000 });

// features: 5-012 5-021 5-028
test('the examples of docs/guides/results.md run as they stand, on whatever broker', async () => {
  const stdout = await runGuide('results.md');
  expect(stdout.trimEnd().split('\n')).toEqual([
    'get 4 SUCCESS true',
    'meta shop.add [ 2, 2 ] 0 true',
    'by id 4',
    'by tuple 4',
    'thrown OutOfStock too many true',
    'given true',
    'late true',
    'given up enough',
    'packed 3 packed',
    'all [ 2, 4, 6 ] 3',
    'as they end [ 2, 4, 6 ]',
    'restored [ 2, 4, 6 ]',
    'told 2 true',
    'chain 112 3',
    'collected [ 2, 12, 112 ]',
    'invoice 10',
    'flowchart TD',
    'forgotten false',
    'revoked true',
  ]);
});
