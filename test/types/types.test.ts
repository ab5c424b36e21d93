import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const compile = (...args: readonly string[]): { readonly status: number | null; readonly out: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [here('../../node_modules/typescript7/bin/tsc'), ...args], { encoding: 'utf8' });
  return { status, out: stdout + stderr };
};

test('every idiom compiles, and every misuse does not', () => {
  // A misuse that compiles is an error too: its @ts-expect-error is unused.
  expect(readFileSync(here('misuse.ts'), 'utf8').match(/@ts-expect-error/g)!.length).toBeGreaterThan(45);
  expect(compile('-p', here('tsconfig.json'))).toEqual({ status: 0, out: '' });
});
