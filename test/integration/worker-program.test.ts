import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { control } from '../../src/control/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';

/** A worker in a process of its own, on a broker in a file. */
async function startProgram(pool = 'async') {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-program-'));
  const broker = `sqlite:///${join(folder, 'tasks.db')}`;
  const app = new Celery('proj', { broker, backend: broker, log: silentLogger });
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'worker-program.ts'), pool], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WORKER_TEST_URL: broker },
  });
  let output = '';
  const hear = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const says = (text: string): Promise<void> => expect.poll(() => output, { timeout: 60_000 }).toContain(text);
  await says('ready');
  return { app, child, exit, says };
}

test('TERM: finishes what runs, and ends with 0', async () => {
  const { app, child, exit, says } = await startProgram();
  const result = await app.sendTask('proj.sleep', [1]);
  await says('running');
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  await says('Warm shutdown');
  expect(await result.get({ timeout: 5 })).toBe('slept');
}, 120_000);

test('INT: the same, but ends with 1', async () => {
  const { app, child, exit, says } = await startProgram();
  const result = await app.sendTask('proj.sleep', [1]);
  await says('running');
  child.kill('SIGINT');
  await says('hitting Ctrl+C again');
  expect(await exit).toBe(1);
  expect(await result.get({ timeout: 5 })).toBe('slept');
}, 120_000);

test.each([
  ['QUIT', ['SIGQUIT']],
  ['a second TERM', ['SIGTERM', 'SIGTERM']],
] as const)(
  '%s: aborts what runs, gives it back, and ends with 1',
  async (_, signals) => {
    const { app, child, exit, says } = await startProgram();
    const result = await app.sendTask('proj.sleep', [60]);
    await says('running');
    for (const signal of signals) {
      child.kill(signal);
      await says(signal === 'SIGTERM' ? 'Warm shutdown' : 'is given up');
    }
    expect(await exit).toBe(1);
    await says('is given up');
    expect(await result.state()).toBe('PENDING');
  },
  120_000,
);

test.each(['async', 'solo'])(
  '%s: outlives the promises and timers that tasks leave behind, and says whose they were',
  async (pool) => {
    const { app, child, exit, says } = await startProgram(pool);
    const forgetting = await app.sendTask('proj.forget', []);
    expect(await forgetting.get({ timeout: 10 })).toBe('forgot');
    await says(`ERROR/MainProcess] Task proj.forget[${forgetting.id}] left a rejected promise behind`);
    await says('Error: a forgotten promise');
    const exploding = await app.sendTask('proj.explode', []);
    expect(await exploding.get({ timeout: 10 })).toBe('lit');
    await says(`CRITICAL/MainProcess] Task proj.explode[${exploding.id}] threw where nobody could catch it`);
    await says('Error: a timer that threw');
    const sum = await app.sendTask('proj.add', [1, 2]);
    expect(await sum.get({ timeout: 10 })).toBe(3);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  },
  120_000,
);

test('prefork: children load what the worker alone includes', async () => {
  const { app, child } = await startProgram('prefork');
  const result = await app.sendTask('proj.included');
  const pid = await result.get({ timeout: 15 });
  expect(pid).toEqual(expect.any(Number));
  expect(pid).not.toBe(child.pid);
}, 120_000);

test('prefork: runs tasks, ends a busy loop by force, and gives what was lost with a child to another', async () => {
  const { app, child, exit } = await startProgram('prefork');
  const sums = await Promise.all(Array.from({ length: 50 }, (_, i) => app.sendTask('proj.add', [i, 1])));
  expect(await Promise.all(sums.map((sum) => sum.get({ timeout: 15 })))).toEqual(sums.map((_, i) => i + 1));
  const spinning = await app.sendTask('proj.spin', []);
  await expect.poll(() => spinning.state(), { timeout: 10_000 }).toBe('STARTED');
  await control(app).revoke(spinning.id, { terminate: true, signal: 'SIGKILL', wait: true, destination: ['w1@box'], timeout: 5 });
  await expect(spinning.get({ timeout: 10 })).rejects.toThrow(/terminated/);
  const dying = await app.sendTask('proj.die', []);
  expect(await dying.get({ timeout: 15 })).toBe('alive');
  const limited = await app.sendTask('proj.spin', [], { timeLimit: 1 });
  await expect(limited.get({ timeout: 15 })).rejects.toThrow(/1/);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
}, 120_000);
