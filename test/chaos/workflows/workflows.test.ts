// Workflows whose workers are killed in the middle: each ends in its right result, or in a definite error. In `npm test` in small; `npm run chaos` sends 500.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startFleet } from '../fleet.ts';

const WORKFLOWS = Number(process.env['CHAOS_WORKFLOWS'] ?? 14);
const redis = process.env['CELERIAC_TEST_REDIS'];
const root = join(import.meta.dirname, '..', '..', '..');

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

interface Outcome {
  readonly index: number;
  readonly shape: string;
  readonly expected: unknown;
  readonly value: unknown;
  readonly error: string | null;
}

interface Producer {
  readonly outcomes: readonly Outcome[];
  readonly ended: Promise<unknown>;
}

function startProducer(env: Readonly<Record<string, string>>): Producer {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/chaos/workflows/producer.ts', String(WORKFLOWS)], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUp.push(() => void child.kill('SIGKILL'));
  const outcomes: Outcome[] = [];
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString()).split('\n');
    text = lines.pop()!;
    outcomes.push(...lines.map((line) => JSON.parse(line) as Outcome));
  });
  return { outcomes, ended: new Promise((resolve) => child.on('close', resolve)) };
}

const roads: readonly (readonly [road: string, urls: ((folder: string) => string) | undefined])[] = [
  ['SQLite', (folder) => `sqlite:///${folder}/q.db`],
  ['Redis', redis === undefined ? undefined : () => `${redis}/5`],
];

for (const [road, url] of roads) {
  if (url === undefined) {
    test.skip(`${road}: workflows whose workers are killed: CELERIAC_TEST_REDIS is not set (npm test sets it where it can)`, () => undefined);
    continue;
  }
  // features: 4-101 4-130
  test(`${road}: workflows whose workers are killed end in their right results, or in definite errors`, { timeout: 240_000 + WORKFLOWS * 3000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-workflows-'));
    mkdirSync(join(folder, 'logs'));
    cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
    const env = {
      CHAOS_BROKER: url(folder),
      CHAOS_BACKEND: url(folder),
      CHAOS_LOGS: join(folder, 'logs'),
      CHAOS_QUEUE: crypto.randomUUID(),
      CHAOS_TASKS: 'test/chaos/workflows/tasks.ts',
    };
    const fleet = await startFleet(3, env);
    cleanUp.push(() => fleet.stop());
    const producer = startProducer(env);
    // One is killed for each few that have ended, for as long as any are under way.
    const each = Math.max(3, Math.ceil(WORKFLOWS / 60));
    for (let killed = 0; (killed + 1) * each < WORKFLOWS; killed += 1) {
      await expect.poll(() => producer.outcomes.length, { timeout: 180_000, interval: 20 }).toBeGreaterThan(killed * each);
      await fleet.killOne();
    }
    await producer.ended;
    const { outcomes } = producer;
    expect(outcomes).toHaveLength(WORKFLOWS);
    const isRight = ({ expected, value, error }: Outcome): boolean => error === null && JSON.stringify(value) === JSON.stringify(expected);
    // What names what went wrong is an end too; waiting for ever is none, and neither is a wrong value.
    const isDefinite = ({ error }: Outcome): boolean => error !== null && error !== 'TimeoutError';
    const open = outcomes.filter((one) => !isRight(one) && !isDefinite(one));
    expect(open, fleet.output().slice(-4000)).toEqual([]);
    expect(outcomes.filter(({ expected, error }) => (expected === 'ChordError') !== (error === 'ChordError'))).toEqual([]);
  });
}
