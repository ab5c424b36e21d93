import { expect, test, vi } from 'vitest';
import { runGuide } from './guide.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 300_000 });

test('the examples of docs/guides/canvas.md run as they stand, on whatever broker', async () => {
  const stdout = await runGuide('canvas.md', { check: (worker) => worker.said(/shop\.total failed: ChordError/) });
  expect(stdout.trimEnd().split('\n')).toEqual([
    'signature shop.add(10) 11',
    'chain 16',
    'immutable 2',
    'group 4 "ok"',
    'chord 6',
    'upgraded 11',
    'map [ 2, 4, 6 ]',
    'chunks [ [ 2, 4 ], [ 6 ] ]',
    'failed true',
    'replaced 12',
    "stamped [ 'acme', 'acme' ]",
    'visited acme',
    'frozen 4 shop.add(1, 1) | double()',
  ]);
});
