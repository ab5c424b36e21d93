/* One process of the tests that need several: `produce NAME COUNT`, `consume`, `hold COUNT`, `churn`, all with the URL first. Reports lines on stdout. */
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { transport } from '../../../src/transports/sqlite/index.ts';
import type { QueueStore } from '../../../src/transports/virtual/queue-store.ts';

const [url = '', mode = '', ...args] = process.argv.slice(2);
const never = new AbortController().signal;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const store = await transport.open({
  url: new URL(url),
  owner: newId(),
  timeoutMs: 10_000,
  heartbeatMs: 0,
  transportOptions: { lease_ms: 1000, lease_renew_ms: 200, lease_look_ms: 400 },
  clock: systemClock,
  log: silentLogger,
  role: 'test',
  maxMessageBytes: 2 ** 20,
  signal: never,
});

const modes: Record<string, () => Promise<void>> = {
  async produce() {
    const [name, count] = [args[0]!, Number(args[1])];
    for (let n = 0; n < count; n += 10) {
      await Promise.all(Array.from({ length: Math.min(10, count - n) }, (_, k) => put(store, `${name}-${n + k}`)));
    }
    say('done');
  },
  /** Says each text once it is acknowledged; ends when nothing came for a second after the first. */
  async consume() {
    await store.renew(1000);
    const renewing = setInterval(() => void store.renew(1000), 200);
    say('ready');
    for (let isFirst = true; ; isFirst = false) {
      const batch = await store.reserve(['q'], { max: 7, waitMs: isFirst ? 15_000 : 1000, signal: never });
      if (batch.length === 0) break;
      await Promise.all(batch.map((one) => store.settle(one, 'ack')));
      say(batch.map((one) => (one.message.body as { readonly text: string }).text).join(' '));
    }
    clearInterval(renewing);
  },
  async hold() {
    await store.renew(1000);
    const held = await store.reserve(['q'], { max: Number(args[0]), waitMs: 10_000, signal: never });
    say(`held ${held.length}`);
    setInterval(() => void store.renew(1000), 200);
    await new Promise(() => undefined);
  },
  /** Writes as much as it can, and says what was answered. */
  async churn() {
    await store.renew(60_000);
    for (let n = 0; ; n++) {
      const name = `${process.pid}-${n}`;
      await Promise.all([put(store, name, 'kept', 'x'.repeat(3000)), put(store, name)]);
      for (const one of await store.reserve(['q'], { max: 3, waitMs: 0, signal: never })) void store.settle(one, n % 3 === 0 ? 'requeue' : 'ack');
      say(name);
    }
  },
};

function put(into: QueueStore, text: string, queue = 'q', padding = ''): Promise<void> {
  return into.put(queue, { body: { text }, contentType: 'text/plain', contentEncoding: 'utf-8', headers: { padding }, properties: {} });
}

await modes[mode]!();
await store[Symbol.asyncDispose]();
