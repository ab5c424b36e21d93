import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { until } from '../../../src/testing/conformance/pool/harness.ts';

const parent = fileURLToPath(new URL('../../fixtures/pools/parent.ts', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a child outlives the terminal’s signals, but not its parent', async () => {
  const program = spawn(process.execPath, ['--import', 'tsx', parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(program.stdout, 'data')) as [Buffer];
    const child = Number(String(line));
    expect(isAlive(child)).toBe(true);
    process.kill(child, 'SIGINT');
    process.kill(child, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(isAlive(child)).toBe(true);
    program.kill('SIGKILL');
    await until(() => !isAlive(child), 'the child ends with its parent');
  } finally {
    program.kill('SIGKILL');
  }
});
