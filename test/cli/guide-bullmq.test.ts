import { expect, test, vi } from 'vitest';
import { runGuide } from './guide.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 300_000 });

test('the examples of docs/guides/from-bullmq.md run as they stand, on whatever broker', async () => {
  const stdout = await runGuide('from-bullmq.md', { workerArgs: ['-Q', 'mail,celery', '-c', '50'] });
  expect(stdout).toBe('ada@example.org, at attempt 1\n[ 10, 20 ]\n30\n');
});
