// Crash guarantees, after real crashes. In `npm test` in small; `npm run chaos` sets the full counts (200 kills, 20 restarts, 20 freezes).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { disturbedUnderLoad, killsUnderLoad, sleep } from './load.ts';

const KILLS = Number(process.env['CHAOS_KILLS'] ?? 20);
const RESTARTS = Number(process.env['CHAOS_RESTARTS'] ?? 3);
const FREEZES = Number(process.env['CHAOS_FREEZES'] ?? 3);
/** Messages whose answer one loss of the server can take along: a batch of the producer's, and what 20 running tasks publish. */
const ON_THEIR_WAY = 40;
const root = join(import.meta.dirname, '..', '..');
const redisScript = join(root, 'scripts', 'servers', 'redis.sh');
const hasRedis = spawnSync('sh', ['-c', 'command -v redis-server']).status === 0;

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'celeriac-chaos-'));
  mkdirSync(join(path, 'logs'));
  cleanUp.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

interface OwnRedis {
  readonly url: string;
  run(verb: 'start' | 'stop'): void;
  pid(): number;
}

/** A Redis of one's own. `durable`: what it has said OK to survives its restart (its append-only file is on). */
function ownRedis(data: string, options: { readonly durable: boolean }): OwnRedis {
  const port = 20_000 + Math.floor(Math.random() * 900);
  const run = (verb: 'start' | 'stop'): void => {
    const call = (...args: string[]): void => void spawnSync('bash', [redisScript, ...args], { stdio: 'ignore' });
    if (verb === 'stop') return call('stop', data, String(port));
    call('start', data, String(port), ...(options.durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []));
    call('wait', data, String(port));
  };
  run('start');
  cleanUp.push(() => run('stop'));
  return { url: `redis://127.0.0.1:${port}`, run, pid: () => Number(readFileSync(join(data, 'pid'), 'utf8')) };
}

function inFolder(env: (path: string) => { readonly CHAOS_BROKER: string }): ReturnType<typeof killsUnderLoad> {
  const path = folder();
  return killsUnderLoad({ ...env(path), CHAOS_LOGS: join(path, 'logs') }, KILLS, (action) => cleanUp.push(action));
}

const LONG = 120_000 + KILLS * 8_000;
test('SQLite: workers are killed under load, nothing is lost, nothing runs twice without reason', { timeout: LONG }, async () => {
  const ledger = await inFolder((path) => ({ CHAOS_BROKER: `sqlite:///${path}/chaos.db` }));
  expect(ledger.lost).toEqual([]);
  expect(ledger.unexplained).toEqual([]);
  expect(ledger.sent).toBeGreaterThan(100);
});

describe.skipIf(!hasRedis)(`Redis${hasRedis ? '' : ' (left out: redis-server is not installed)'}`, () => {
  test('workers are killed under load, nothing is lost, nothing runs twice without reason', { timeout: LONG }, async () => {
    const ledger = await inFolder((path) => ({ CHAOS_BROKER: `${ownRedis(join(path, 'redis'), { durable: false }).url}/0` }));
    expect(ledger.lost).toEqual([]);
    expect(ledger.unexplained).toEqual([]);
    expect(ledger.sent).toBeGreaterThan(100);
  });

  test('the server is restarted under load: work goes on within 5 s, nothing is lost', { timeout: 120_000 + RESTARTS * 30_000 }, async () => {
    await underLoad(RESTARTS, async (redis) => {
      redis.run('stop');
      await sleep(200 + Math.random() * 1500);
      redis.run('start');
    });
  });

  test('the server is frozen under load: work goes on within 5 s, nothing is lost', { timeout: 120_000 + FREEZES * 40_000 }, async () => {
    await underLoad(FREEZES, async (redis) => {
      process.kill(redis.pid(), 'SIGSTOP');
      await sleep(500 + Math.random() * 8000);
      process.kill(redis.pid(), 'SIGCONT');
    });
  });

  async function underLoad(times: number, disturb: (redis: OwnRedis) => Promise<void>): Promise<void> {
    const path = folder();
    const redis = ownRedis(join(path, 'redis'), { durable: true });
    const env = { CHAOS_BROKER: `${redis.url}/0`, CHAOS_BACKEND: `${redis.url}/1`, CHAOS_LOGS: join(path, 'logs') };
    const { lost, redelivered, doubled, resumedMs, output } = await disturbedUnderLoad(
      env,
      times,
      () => disturb(redis).then(() => Date.now()),
      (action) => cleanUp.push(action),
    );
    expect(lost, output).toEqual([]);
    // Nobody died: nothing that ran may come again. What was just being published when the answer was lost may be there twice.
    expect(redelivered, output).toEqual([]);
    expect(doubled.length, doubled.join('\n')).toBeLessThanOrEqual(times * ON_THEIR_WAY);
    expect(Math.max(...resumedMs), `${resumedMs.join(' ms, ')} ms ${output}`).toBeLessThan(5000);
  }
});
