import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { type LeaseThread, openLeaseThread } from './lease-thread.ts';

const directory = mkdtempSync(join(tmpdir(), 'celeriac-lease-'));
const opened: LeaseThread[] = [];
afterEach(async () => {
  for (const thread of opened.splice(0)) await thread[Symbol.asyncDispose]();
  rmSync(join(directory, 'renewals'), { force: true });
});

/** A driver whose store notes each renewal in a file, which another thread can read. `answers.json` says what it answers. */
const driver = join(directory, 'driver.mjs');
writeFileSync(
  driver,
  `import { appendFileSync } from 'node:fs';
  export const lease = {
    open: (options) => Promise.resolve({
      renew: (ms) => {
        appendFileSync(${JSON.stringify(join(directory, 'renewals'))}, options.owner + ' ' + options.role + ' ' + ms + '\\n');
        if (options.transportOptions.fails) return Promise.reject(new Error('no server'));
        return Promise.resolve(!options.transportOptions.lost);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };`,
);

const renewals = (): readonly string[] => {
  try {
    return readFileSync(join(directory, 'renewals'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
};

function open(more: Record<string, number | boolean> = {}): LeaseThread {
  const thread = openLeaseThread(pathToFileURL(driver).href, {
    url: new URL('redis://nowhere'),
    owner: 'w1',
    timeoutMs: 1000,
    heartbeatMs: 0,
    transportOptions: { lease_ms: 400, lease_renew_ms: 100, ...more },
    clock: systemClock,
    log: silentLogger,
    role: 'worker',
    maxMessageBytes: 1000,
    signal: new AbortController().signal,
  });
  opened.push(thread);
  return thread;
}

/** A task that never gives the event loop back. */
function block(ms: number): void {
  for (const end = systemClock.now() + ms; systemClock.now() < end;);
}

test('renews while the event loop is blocked, by a store of its own', async () => {
  open();
  await expect.poll(() => renewals().length, { timeout: 15_000 }).toBeGreaterThan(0);
  const before = renewals().length;
  block(1000);
  expect(renewals().length - before).toBeGreaterThanOrEqual(4);
  expect(new Set(renewals())).toEqual(new Set(['w1 lease 400']));
});

test('leaves the renewing to the main loop as long as that does it', async () => {
  const thread = open();
  const keep = async (): Promise<void> => {
    for (let n = 0; n < 60; n++) {
      thread.renewed();
      await systemClock.sleep(25);
    }
  };
  await keep();
  const count = renewals().length;
  await keep();
  expect(renewals().length - count).toBeLessThanOrEqual(3);
  const before = renewals().length;
  await expect.poll(() => renewals().length, { timeout: 5000 }).toBeGreaterThan(before + 2);
});

test('gives a hung worker up: no renewal once the loop has not turned for the visibility timeout', async () => {
  open({ visibility_timeout: 0.6 });
  await expect.poll(() => renewals().length, { timeout: 15_000 }).toBeGreaterThan(0);
  block(1200);
  const count = renewals().length;
  block(700);
  expect(renewals().length).toBe(count);
});

test('says that the lease is lost', async () => {
  const thread = open({ lost: true });
  await new Promise<void>((resolve) => thread.onLost(resolve));
});

test('tells of errors, and goes on trying', async () => {
  const thread = open({ fails: true });
  const errors: string[] = [];
  await new Promise<void>((resolve) => thread.onError((error) => errors.push(error.message) >= 2 && resolve()));
  expect(errors[0]).toBe('no server');
  expect(renewals().length).toBeGreaterThanOrEqual(2);
});
