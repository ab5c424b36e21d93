// Crash guarantees, after real crashes. In `npm test` in small; `npm run chaos` sets the full counts (200 kills, 20 restarts, 20 freezes).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Celery } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { startFleet } from './fleet.ts';
import { ledgerOf, type Ledger } from './ledger.ts';

const KILLS = Number(process.env['CHAOS_KILLS'] ?? 20);
const RESTARTS = Number(process.env['CHAOS_RESTARTS'] ?? 3);
const FREEZES = Number(process.env['CHAOS_FREEZES'] ?? 3);
/** Messages whose answer one loss of the server can take along: a batch of the producer's, and what 20 running tasks publish. */
const ON_THEIR_WAY = 40;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
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

/** Sends work until told to stop; what the broker took is in `sent`. */
async function producer(env: Record<string, string>): Promise<{ readonly sent: string[]; stop(): Promise<void> }> {
  const url = env['CHAOS_BROKER']!;
  const app = new Celery('chaos-producer', { broker: url, backend: env['CHAOS_BACKEND'] ?? url, taskIgnoreResult: true, log: silentLogger });
  const work = app.declare<(id: string, ms: number) => string>('chaos.work');
  const publishing = app.declare<(id: string, ms: number) => void>('chaos.publishing');
  const sent: string[] = [];
  let isStopped = false;
  let number = 0;
  const loop = (async () => {
    while (!isStopped) {
      const ids = Array.from({ length: 20 }, () => `t${(number += 1)}`);
      await Promise.all(
        ids.map(async (id, i) => {
          // Not accepted while the server is away: then it was never promised.
          await (i % 10 === 9 ? publishing : work).delay(id, i % 4 === 0 ? 40 + Math.random() * 60 : i % 3).then(
            () => sent.push(id),
            () => undefined,
          );
        }),
      );
      await sleep(25);
    }
  })();
  return {
    sent,
    async stop() {
      isStopped = true;
      await loop;
      await app.close();
    },
  };
}

async function killsUnderLoad(broker: (data: string) => string, options: readonly string[] = []): Promise<Ledger> {
  const path = folder();
  const env = { CHAOS_BROKER: broker(path), CHAOS_LOGS: join(path, 'logs') };
  const fleet = await startFleet(4, env, options);
  cleanUp.push(() => fleet.stop());
  const load = await producer(env);
  for (let i = 0; i < KILLS; i++) {
    await sleep(50 + Math.random() * 400);
    await fleet.killOne();
  }
  await sleep(300);
  await load.stop();
  // What the dead held is back within 30 s.
  for (const end = Date.now() + 45_000; Date.now() < end; await sleep(250)) if (ledgerOf(env.CHAOS_LOGS, load.sent, fleet.killedAt).lost.length === 0) break;
  await fleet.stop();
  const ledger = ledgerOf(env.CHAOS_LOGS, load.sent, fleet.killedAt);
  process.stdout.write(
    `chaos ledger (${env.CHAOS_BROKER.split(':')[0]}, ${KILLS} kills): ${ledger.sent} sent, ${ledger.ended} done, ${ledger.lost.length} lost, ${ledger.repeated} ran again, ${ledger.unexplained.length} unexplained; ${ledger.redelivered.length} redelivered, ${ledger.doubled.length} published twice\n`,
  );
  return ledger;
}

const LONG = 120_000 + KILLS * 2_000;
test('SQLite: workers are killed under load, nothing is lost, nothing runs twice without reason', { timeout: LONG }, async () => {
  const ledger = await killsUnderLoad((path) => `sqlite:///${path}/chaos.db`);
  expect(ledger.lost).toEqual([]);
  expect(ledger.unexplained).toEqual([]);
  expect(ledger.sent).toBeGreaterThan(100);
});

describe.skipIf(!hasRedis)(`Redis${hasRedis ? '' : ' (left out: redis-server is not installed)'}`, () => {
  test('workers are killed under load, nothing is lost, nothing runs twice without reason', { timeout: LONG }, async () => {
    const ledger = await killsUnderLoad((path) => `${ownRedis(join(path, 'redis'), { durable: false }).url}/0`);
    expect(ledger.lost).toEqual([]);
    expect(ledger.unexplained).toEqual([]);
    expect(ledger.sent).toBeGreaterThan(100);
  });

  test('the server is restarted under load: work goes on within 5 s, nothing is lost', { timeout: 60_000 + RESTARTS * 15_000 }, async () => {
    await underLoad(RESTARTS, async (redis) => {
      redis.run('stop');
      await sleep(200 + Math.random() * 1500);
      redis.run('start');
    });
  });

  test('the server is frozen under load: work goes on within 5 s, nothing is lost', { timeout: 60_000 + FREEZES * 25_000 }, async () => {
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
    const fleet = await startFleet(2, env);
    cleanUp.push(() => fleet.stop());
    const load = await producer(env);
    const resumed: number[] = [];
    for (let i = 0; i < times; i++) {
      await sleep(1000);
      await disturb(redis);
      const back = Date.now();
      // Whatever is finished from 50 ms after its return on was not merely the rest of what was running.
      await sleep(50);
      const before = fleet.ended();
      while (fleet.ended() <= before && Date.now() - back < 20_000) await sleep(20);
      resumed.push(Date.now() - back);
    }
    await sleep(500);
    await load.stop();
    for (const end = Date.now() + 45_000; Date.now() < end; await sleep(250)) if (ledgerOf(env.CHAOS_LOGS, load.sent, new Map()).lost.length === 0) break;
    await fleet.stop();
    const ledger = ledgerOf(env.CHAOS_LOGS, load.sent, new Map());
    process.stdout.write(
      `chaos: ${times} disturbances, work went on after ${resumed.map((ms) => `${ms} ms`).join(', ')}; ${ledger.sent} sent, ${ledger.ended} done, ${ledger.lost.length} lost, ${ledger.repeated} ran again: ${ledger.redelivered.length} redelivered, ${ledger.doubled.length} published twice\n`,
    );
    expect(ledger.lost, fleet.output()).toEqual([]);
    // Nobody died: nothing that ran may come again. What was just being published when the answer was lost may be there twice.
    expect(ledger.redelivered, fleet.output()).toEqual([]);
    expect(ledger.doubled.length, ledger.doubled.join('\n')).toBeLessThanOrEqual(times * ON_THEIR_WAY);
    expect(Math.max(...resumed), fleet.output()).toBeLessThan(5000);
  }
});
