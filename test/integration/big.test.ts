// Workflows of thousands of parts: what each part costs does not grow with their number, and nothing of them is kept.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { compile } from '../../src/canvas/compile.ts';
import { Celery, chain } from '../../src/index.ts';
import { newId } from '../../src/kernel/ids.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const program = join(import.meta.dirname, 'big-program.ts');
interface Line {
  readonly size: number;
  readonly cpuUs: number;
  readonly heapKb: number;
}

async function measured(broker: string, backend: string, sizes: readonly number[]): Promise<readonly Line[]> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', program, broker, backend, ...sizes.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Line[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line) as Line);
  return lines;
}

function expectFlat(lines: readonly Line[]): void {
  const [, small, large, after] = lines as readonly [Line, Line, Line, Line];
  expect(large.size).toBe(10 * small.size);
  // Time of the processor, which other programs do not lengthen. What a chord costs as a whole is spread over more parts, so that each costs half as much.
  expect(large.cpuUs).toBeLessThan(small.cpuUs);
  expect(after.heapKb).toBeLessThan(small.heapKb + 8 * 1024);
}
// The first one warms up.
const sizes = [1000, 1000, 10_000, 1000];

if (redis === undefined) test.skip('a large chord on Redis: CELERIAC_TEST_REDIS is not set (npm test sets it where it can)', () => undefined);
else
  test('a chord of 10,000 parts on Redis costs no more for each of them than one of 1,000, and leaves nothing in memory', { timeout: 180_000 }, async () => {
    const prefix = `big-${crypto.randomUUID()}`;
    expectFlat(await measured(`${redis}/8?global_keyprefix=${prefix}`, `${redis}/8`, sizes));
  });

test('so does one on SQLite', { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-big-'));
  try {
    const url = `sqlite:///${join(folder, 'big.db')}`;
    expectFlat(await measured(url, url, sizes));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a chain of thousands of steps is written down and compiled in time that grows with them, piped or not', () => {
  const app = new Celery('big', { broker: 'memory://big', backend: 'memory://big' });
  const add = app.task('big.add', (x: number, y: number) => x + y);
  const cpuMs = (steps: number): number => {
    const before = process.cpuUsage();
    const piped = Array.from({ length: steps - 1 }, () => add.s(1)).reduce((made: any, step) => made.pipe(step), add.s(1, 0));
    const whole = chain(Array.from({ length: steps }, () => add.s(1)) as any);
    for (const one of [piped, whole]) expect(compile(one.toJSON(), { newId, now: 0, origin: 'big', chords: 'none' }).publish).toHaveLength(1);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const least = (steps: number): number => Math.min(...Array.from({ length: 3 }, () => cpuMs(steps)));
  // Four times the steps: what copied all steps before each took sixteen times as long.
  const small = least(2000);
  expect(least(8000)).toBeLessThan(8 * small);
});
