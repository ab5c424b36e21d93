import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSqlite } from '../../../src/clients/sqlite-driver.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { transport } from '../../../src/transports/sqlite/index.ts';
import type { QueueStore } from '../../../src/transports/virtual/queue-store.ts';

const PROGRAM = fileURLToPath(new URL('sqlite-process.ts', import.meta.url));
const never = new AbortController().signal;

/** A process of our program, and what it has said. */
interface Running {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<void>;
  said(pattern: RegExp): Promise<string>;
}

let directory = '';
let path = '';
let running: Running[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'celeriac-sqlite-'));
  path = join(directory, 'broker.db');
  running = [];
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  rmSync(directory, { recursive: true });
});

function start(...args: readonly string[]): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, `sqlite:///${path}`, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const ended = once(child, 'close').then(() => undefined);
  const one: Running = {
    child,
    lines,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = lines.find((text) => pattern.test(text));
          if (line === undefined) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        void ended.then(() => reject(new Error(`the process ended without saying ${pattern}`)));
        look();
      }),
  };
  running.push(one);
  return one;
}

function open(): Promise<QueueStore> {
  return transport.open({
    url: new URL(`sqlite:///${path}`),
    owner: newId(),
    timeoutMs: 5000,
    heartbeatMs: 0,
    transportOptions: { lease_ms: 1000, lease_renew_ms: 200, lease_look_ms: 400 },
    clock: systemClock,
    log: silentLogger,
    role: 'test',
    maxMessageBytes: 2 ** 20,
    signal: never,
  });
}

const take = (store: QueueStore, queue: string, max: number) => store.reserve([queue], { max, waitMs: 0, signal: never });

test('two producers and three consumers, each a process: every message is taken exactly once', async () => {
  const consumers = ['a', 'b', 'c'].map(() => start('consume'));
  await Promise.all(consumers.map((one) => one.said(/ready/)));
  const producers = ['p', 'r'].map((name) => start('produce', name, '2000'));
  await Promise.all([...producers, ...consumers].map(({ ended }) => ended));
  const taken = consumers.map(({ lines }) => lines.slice(1).flatMap((line) => line.split(' ')));
  expect(taken.flat()).toHaveLength(4000);
  expect(new Set(taken.flat()).size).toBe(4000);
  for (const texts of taken) expect(texts.length).toBeGreaterThan(0);
}, 60_000);

test('what a killed process held comes back exactly once, after its lease', async () => {
  await using store = await open();
  for (let n = 0; n < 50; n++) {
    await store.put('q', { body: { text: `m${n}` }, contentType: 'text/plain', contentEncoding: 'utf-8', headers: {}, properties: {} });
  }
  await store.renew(60_000);
  const holder = start('hold', '30');
  expect(await holder.said(/held/)).toBe('held 30');
  expect(await take(store, 'q', 100)).toHaveLength(20);
  // Alive, it keeps them: it renews.
  await systemClock.sleep(1500);
  await store.recover(1000);
  await systemClock.sleep(500);
  expect(await store.recover(1000)).toBe(0);

  holder.child.kill('SIGKILL');
  await holder.ended;
  const killedAt = systemClock.monotonic();
  let count = 0;
  while (count < 30) {
    expect(systemClock.monotonic() - killedAt).toBeLessThan(10_000);
    await systemClock.sleep(100);
    count += await store.recover(1000);
  }
  expect(systemClock.monotonic() - killedAt).toBeGreaterThan(1000);
  expect(count).toBe(30);
  const again = await take(store, 'q', 100);
  expect(new Set(again.map(({ message }) => (message.body as { readonly text: string }).text)).size).toBe(30);
  expect(again.every(({ redelivered }) => redelivered)).toBe(true);
  expect(await take(store, 'q', 100)).toHaveLength(0);
}, 30_000);

test('processes killed in the middle of heavy writing leave a sound file, with everything in it that was answered', async () => {
  const answered = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const churning = [start('churn'), start('churn')];
    await Promise.all(churning.map((one) => one.said(/-150$/)));
    for (const { child } of churning) child.kill('SIGKILL');
    await Promise.all(churning.map(({ ended }) => ended));
    for (const { lines } of churning) for (const line of lines) answered.add(line);

    const database = loadSqlite()(path, 1000);
    expect(database.prepare('PRAGMA integrity_check').get()?.[0]).toBe('ok');
    const kept = new Set(
      database
        .prepare(`SELECT body FROM message WHERE queue = 'kept'`)
        .all()
        .map(([body]) => String(body)),
    );
    database.close();
    // The last line may have been cut in two.
    const lost = [...answered].filter((name) => !kept.has(name) && ![...kept].some((other) => other.startsWith(name)));
    expect(lost).toEqual([]);
    expect(kept.size).toBeGreaterThan(300 * round);
  }
}, 60_000);
