import { expect, test } from 'vitest';
import { OperationalError } from '../errors.ts';
import { deferred } from '../kernel/deferred.ts';
import { silentLogger } from '../kernel/logger.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { Healing, type Losable } from './redis-healing.ts';

/** A server that lets everybody in, and whose connections the test ends. */
function world() {
  const clock = createFakeClock();
  const warnings: string[] = [];
  const open = (): Promise<Losable & { lose(): void }> => {
    const closed = deferred<Error | undefined>();
    const connection = {
      isClosed: false,
      closed: closed.promise,
      lose() {
        connection.isClosed = true;
        closed.resolve(new OperationalError('READONLY'));
      },
      close: () => Promise.resolve(connection.lose()),
    };
    return Promise.resolve(connection);
  };
  const healing = new Healing({ open, clock, log: { ...silentLogger, warn: (line) => void warnings.push(line) }, name: 'store' });
  /** Asks for one after the other, each of which lives so long. */
  async function use(connections: number, lifeMs: number): Promise<void> {
    let isOver = false;
    const using = (async () => {
      for (let n = 0; n < connections; n++) {
        const connection = await healing.get();
        await clock.sleep(lifeMs);
        connection.lose();
      }
    })().finally(() => (isOver = true));
    while (!isOver) await clock.next();
    await using;
  }
  return { clock, healing, warnings, use };
}

test('connections that end as soon as they are used come with pauses, which is said once', async () => {
  const { clock, warnings, use } = world();
  await use(30, 0);
  expect(clock.monotonic()).toBeGreaterThan(20_000);
  expect(clock.monotonic()).toBeLessThan(60_000);
  expect(warnings).toEqual(['store: READONLY (twice within seconds: trying again, with pauses)']);
});

test('after one that lived a while the next comes at once, and so does the one after a single accident', async () => {
  const { clock, healing, warnings, use } = world();
  await use(10, 0);
  await use(1, 6000);
  const lost = clock.monotonic();
  (await healing.get()).lose();
  await healing.get();
  expect(clock.monotonic()).toBe(lost);
  expect(warnings).toHaveLength(1);
});

test('closing ends a pause', async () => {
  const { healing, use } = world();
  await use(10, 0);
  const waiting = healing.get();
  waiting.catch(() => undefined);
  await healing[Symbol.asyncDispose]();
  await expect(waiting).rejects.toThrow('store: closed');
});
