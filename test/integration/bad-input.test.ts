import { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Celery } from '../../src/app/celery.ts';
import { coreOf } from '../../src/app/core.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { badKinds, envelopeOf, MAX_BYTES, messageOf, type BadKind } from './bad-messages.ts';

const BAD = 10_000;
const GOOD_EVERY = 50;
const REDIS = process.env['CELERIAC_TEST_REDIS'];
if (REDIS === undefined) console.warn('bad input on Redis is skipped: CELERIAC_TEST_REDIS is not set');

/** The kinds one after the other, until there are enough. */
function* rounds(kinds: readonly BadKind[], count: number): Generator<BadKind> {
  for (let sent = 0, round = 0; sent < count; round++) {
    for (const kind of kinds) {
      if (sent >= count || round >= (kind.most ?? Infinity)) continue;
      sent += 1;
      yield kind;
    }
  }
}

function setUp(broker: string, options: Record<string, unknown> = {}) {
  const lines: string[] = [];
  const log = createLogger({ clock: systemClock, level: 'INFO', write: (line) => void lines.push(line) });
  const app = new Celery('bad', { broker, backend: `memory://${crypto.randomUUID()}`, log, brokerMaxMessageBytes: MAX_BYTES, ...options });
  const heard = new Set<number>();
  app.task('bad.quiet', { params: [] }, () => null);
  app.task('bad.good', (n: number) => void heard.add(n));
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 20 });
  onTestFinished(async () => {
    await worker.stop({ mode: 'cold' });
    await app.close();
  });
  return { app, heard, lines, worker };
}

const goodBody = (n: number) => ({ text: JSON.stringify([[n], {}, { callbacks: null, errbacks: null, chain: null, chord: null }]) });

/** Everything has come to its end as `becomes` says, each with one line, and the good ones have run. */
async function expectSurvival({ heard, lines, worker }: ReturnType<typeof setUp>, sent: readonly BadKind[]): Promise<void> {
  const expected = { dead: 0, FAILURE: 0, SUCCESS: 0 };
  for (const { becomes } of sent) expected[becomes] += 1;
  const good = Math.ceil(sent.length / GOOD_EVERY);
  const counted = (): typeof expected => {
    const { ended, refused } = worker.stats() as { ended: Partial<typeof expected>; refused: Record<string, number> };
    const dead = Object.values(refused).reduce((sum, count) => sum + count, 0);
    return { dead, FAILURE: ended.FAILURE ?? 0, SUCCESS: (ended.SUCCESS ?? 0) - good };
  };
  await expect.poll(counted, { timeout: 60_000, interval: 100 }).toEqual(expected);
  expect(heard.size).toBe(good);
  const said = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
  expect({
    dead: said(/ERROR\/MainProcess\] (?:Refused|Received unregistered)/),
    FAILURE: said(/ERROR\/MainProcess\] Task .* raised unexpected/),
    SUCCESS: said(/INFO\/MainProcess\] Task .* succeeded/) - good,
  }).toEqual(expected);
  expect(lines.filter((line) => /CRITICAL|INTERNAL|WARNING/.test(line))).toEqual([]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
}

test('10,000 bad messages on SQLite harm nobody', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-bad-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const one = setUp(`sqlite:///${join(folder, 'bad.db')}`);
  const link = await coreOf(one.app).openLink('test');
  onTestFinished(() => link.close());
  await one.worker.start();
  const channel = await (await link.connection()).openChannel();
  const sent = [
    ...rounds(
      badKinds.filter((kind) => kind.message !== undefined),
      BAD,
    ),
  ];
  for (let at = 0; at < sent.length; at += GOOD_EVERY) {
    const some = sent.slice(at, at + GOOD_EVERY).map((kind) => channel.publish(kind.message!(), '', 'celery'));
    await Promise.all([channel.publish(messageOf({ task: 'bad.good' }, goodBody(at)), '', 'celery'), ...some]);
  }
  await expectSurvival(one, sent);
  // What it held would be back in the queue now.
  await one.worker.stop();
  expect(await channel.purge('celery')).toBe(0);
}, 120_000);

test.skipIf(REDIS === undefined)(
  '10,000 bad messages on Redis harm nobody',
  async () => {
    const prefix = `bad-${crypto.randomUUID().slice(0, 8)}:`;
    const redis = new Redis(`${REDIS}/12`);
    onTestFinished(async () => {
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      redis.disconnect();
    });
    const one = setUp(`${REDIS}/12`, { brokerTransportOptions: { global_keyprefix: prefix } });
    await one.worker.start();
    const sent = [...rounds(badKinds, BAD)];
    for (let at = 0; at < sent.length; at += GOOD_EVERY) {
      const some = sent.slice(at, at + GOOD_EVERY).map((kind) => kind.raw?.() ?? envelopeOf(kind.message!(), 'celery'));
      await redis.lpush(`${prefix}celery`, envelopeOf(messageOf({ task: 'bad.good' }, goodBody(at)), 'celery'), ...some);
    }
    await expectSurvival(one, sent);
    await one.worker.stop();
    expect(await redis.hlen(`${prefix}unacked`)).toBe(0);
    expect(await redis.zcard(`${prefix}unacked_index`)).toBe(0);
    expect(await redis.llen(`${prefix}celery`)).toBe(0);
  },
  120_000,
);
