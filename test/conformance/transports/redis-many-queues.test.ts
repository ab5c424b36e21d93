import { expect, onTestFinished, test } from 'vitest';
import { idsOf, messageOf, openStore, RedisServer, take } from './redis-server.ts';

/* A server of its own, whose commands nobody else adds to. */
if (!RedisServer.isInstalled) test.skip('redis: redis-server is not installed', () => undefined);
else test('who waits for more queues than get a connection each is at rest, whichever come first, and wakes for all of them', manyQueues, 60_000);

async function manyQueues(): Promise<void> {
  const server = await RedisServer.start();
  const [store, producer, admin] = [await openStore(server.url), await openStore(server.url), await server.connect()];
  onTestFinished(async () => {
    for (const one of [store, producer]) await one[Symbol.asyncDispose]();
    await admin.close();
    await server[Symbol.asyncDispose]();
  });
  const scriptsRun = async (): Promise<number> => Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(String(await admin.call('INFO', 'commandstats')))?.[1] ?? 0);
  const queues = Array.from({ length: 12 }, (_, i) => `q${i}`);
  await take(store, queues, 50);
  // The queue that was served goes last: each of them comes first in its turn.
  for (const [i, queue] of queues.entries()) {
    const inTurn = [...queues.slice(i), ...queues.slice(0, i)];
    const before = await scriptsRun();
    expect(await take(store, inTurn, 300)).toEqual([]);
    expect((await scriptsRun()) - before).toBeLessThanOrEqual(4);
    const waiting = take(store, inTurn, 20_000);
    await producer.put(queue, messageOf(queue));
    expect(idsOf(await waiting)).toEqual([queue]);
  }
}
