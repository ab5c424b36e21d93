import { expect, test, vi } from 'vitest';
import { OperationalError } from '../../errors.ts';
import { newId } from '../../kernel/ids.ts';
import { silentLogger } from '../../kernel/logger.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { transport as memory } from '../memory/index.ts';
import type { BrokerConnection, Channel, ConnectOptions, Delivery } from '../transport.ts';
import type { QueueStore, Reservation } from './queue-store.ts';
import { virtualTransport } from './transport.ts';

const text = (value: string): WireMessage => ({ body: { text: value }, contentType: 'text/plain', contentEncoding: 'utf-8', headers: {}, properties: {} });
const textOf = (delivery: Delivery): string => (delivery.message.body as { text: string }).text;

/** A store whose server can be taken away: everything asked of it then fails, what waits included. */
class CuttableStore implements QueueStore {
  readonly closed: Promise<Error>;
  readonly calls: string[] = [];
  /** What a take brought whose answer never arrived. */
  loseAnswers = false;
  #close!: (reason: Error) => void;
  #reject!: (reason: Error) => void;
  #isCut = false;
  readonly #cut: Promise<never>;
  readonly inner: QueueStore;

  constructor(inner: QueueStore) {
    this.inner = inner;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    this.#cut = new Promise((_, reject) => (this.#reject = reject));
    this.#cut.catch(() => undefined);
  }
  /** The server goes away; `isSilent`: nobody tells. */
  cut(isSilent = false): void {
    const reason = new OperationalError('the server went away');
    this.#isCut = true;
    this.#reject(reason);
    if (!isSilent) this.#close(reason);
  }
  #ask<T>(name: string, action: () => Promise<T>): Promise<T> {
    this.calls.push(name);
    return this.#isCut ? this.#cut : Promise.race([action(), this.#cut]);
  }
  get owner() {
    return this.inner.owner;
  }
  get bindings() {
    return this.inner.bindings;
  }
  get broadcast() {
    return this.inner.broadcast!;
  }
  createQueue: QueueStore['createQueue'] = (queue) => this.#ask('createQueue', () => this.inner.createQueue(queue));
  deleteQueue: QueueStore['deleteQueue'] = (queue) => this.#ask('deleteQueue', () => this.inner.deleteQueue(queue));
  put: QueueStore['put'] = (...args) => this.#ask('put', () => this.inner.put(...args));
  reserve: QueueStore['reserve'] = (queues, options) => {
    return this.#ask('reserve', () => this.inner.reserve(queues, options).then((batch) => (this.loseAnswers && batch.length > 0 ? this.#cut : batch)));
  };
  settle: QueueStore['settle'] = (reservation, verdict) => this.#ask(`settle ${verdict}`, () => this.inner.settle(reservation, verdict));
  renew: QueueStore['renew'] = (ms) => this.#ask('renew', () => this.inner.renew(ms));
  recover: QueueStore['recover'] = (max) => this.#ask('recover', () => this.inner.recover(max));
  reconcile: QueueStore['reconcile'] & {} = (known) => this.#ask('reconcile', () => this.inner.reconcile!(known));
  size: QueueStore['size'] = (queue) => this.#ask('size', () => this.inner.size(queue));
  purge: QueueStore['purge'] = (queue) => this.#ask('purge', () => this.inner.purge(queue));
  [Symbol.asyncDispose] = async (): Promise<void> => {
    if (!this.#isCut) await this.inner[Symbol.asyncDispose]();
  };
}

/** A transport on cuttable stores, and a bystander that looks at the same broker directly. */
function world(onOpen?: (store: CuttableStore) => void) {
  const clock = createFakeClock();
  const name = newId();
  const stores: CuttableStore[] = [];
  const options = (owner: string, more: Partial<ConnectOptions> = {}): ConnectOptions => ({
    url: new URL(`memory://${name}`),
    owner,
    timeoutMs: 1000,
    heartbeatMs: 0,
    transportOptions: {},
    clock,
    log: silentLogger,
    role: 'test',
    maxMessageBytes: 2 ** 20,
    signal: new AbortController().signal,
    ...more,
  });
  const transport = virtualTransport({
    name: 'cuttable',
    capabilities: memory.capabilities,
    async open(given) {
      const store = new CuttableStore(await memory.open(given));
      stores.push(store);
      onOpen?.(store);
      return store;
    },
  });
  return {
    clock,
    stores,
    connect: (owner: string, more?: Partial<ConnectOptions>) => transport.connect(options(owner, more)),
    bystander: () => memory.open(options(newId())),
  };
}

async function consuming(connection: BrokerConnection, deliveries: Delivery[], prefetch = 10): Promise<Channel> {
  const channel = await connection.openChannel();
  await channel.declareQueue({ name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: {} });
  channel.setPrefetch(prefetch);
  await channel.consume('q', (delivery) => void deliveries.push(delivery));
  return channel;
}

const now = (store: QueueStore): Promise<readonly Reservation[]> => store.reserve(['q'], { max: 100, waitMs: 0, signal: new AbortController().signal });

test.each([
  ['told by the store', false],
  ['noticed by what was asked of it', true],
])('a lost server closes the connection and its channels with the reason: %s', async (_, isSilent) => {
  const { stores, connect } = world();
  const connection = await connect('w1');
  const channel = await consuming(connection, []);
  stores[0]!.cut(isSilent);
  expect(await connection.closed).toBeInstanceOf(OperationalError);
  expect(await channel.closed).toBeInstanceOf(OperationalError);
  await expect(connection.openChannel()).rejects.toThrow(OperationalError);
});

test('a publish that finds the server gone fails, and closes the connection', async () => {
  const { stores, connect } = world();
  const connection = await connect('w1');
  const channel = await connection.openChannel();
  stores[0]!.cut(true);
  await expect(channel.publish(text('a'), '', 'q')).rejects.toThrow('went away');
  expect(await connection.closed).toBeInstanceOf(OperationalError);
});

test('what is in hand stays in hand over a lost connection, and is settled by the next one', async () => {
  const { clock, stores, connect, bystander } = world();
  const deliveries: Delivery[] = [];
  const first = await connect('w1');
  const channel = await consuming(first, deliveries);
  for (const value of ['a', 'b', 'c']) await channel.publish(text(value), '', 'q');
  await clock.advance(10);
  expect(deliveries.map(textOf)).toEqual(['a', 'b', 'c']);

  stores[0]!.cut();
  await first.closed;
  const settled = Promise.all([deliveries[0]!.settle('ack'), deliveries[1]!.settle('requeue')]);
  const peer = await bystander();
  expect(await peer.size('q')).toBe(0);

  await using _second = await connect('w1');
  await settled;
  expect((await now(peer)).map((one) => (one.message.body as { text: string }).text)).toEqual(['b']);
  await deliveries[2]!.settle('return');
  expect(await now(peer)).toHaveLength(1);
});

test('a settle that finds the server gone is done by the next connection', async () => {
  const { clock, stores, connect, bystander } = world();
  const deliveries: Delivery[] = [];
  const first = await connect('w1');
  const channel = await consuming(first, deliveries, 1);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  stores[0]!.cut(true);
  const settled = deliveries[0]!.settle('requeue');
  await first.closed;
  const peer = await bystander();
  expect(await peer.size('q')).toBe(0);
  await using _second = await connect('w1');
  await settled;
  expect(await now(peer)).toHaveLength(1);
});

test('a settle that is refused for a while, by a server that lives, is done by the next connection', async () => {
  const { clock, stores, connect, bystander } = world();
  const deliveries: Delivery[] = [];
  const first = await connect('w1');
  const channel = await consuming(first, deliveries);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  stores[0]!.inner.settle = () => Promise.reject(new OperationalError('not just now'));
  const settled = deliveries[0]!.settle('requeue');
  expect((await first.closed)?.message).toBe('not just now');
  await using _second = await connect('w1');
  await settled;
  expect(await now(await bystander())).toHaveLength(1);
});

test('one that is refused by a connection while another of its owner is there is done by that one', async () => {
  const { clock, stores, connect, bystander } = world();
  const deliveries: Delivery[] = [];
  const consumer = await connect('w1', { role: 'worker' });
  await using _producer = await connect('w1', { role: 'publish' });
  const channel = await consuming(consumer, deliveries);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  stores[0]!.inner.settle = () => Promise.reject(new OperationalError('not just now'));
  await deliveries[0]!.settle('requeue');
  expect(await consumer.closed).toBeInstanceOf(OperationalError);
  expect(await now(await bystander())).toHaveLength(1);
});

test('a close does not wait for what the server refuses to take back', async () => {
  const { clock, stores, connect } = world();
  const road = new AbortController();
  const deliveries: Delivery[] = [];
  const connection = await connect('w1', { signal: road.signal });
  const channel = await consuming(connection, deliveries);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  expect(deliveries).toHaveLength(1);
  stores[0]!.inner.settle = () => Promise.reject(new OperationalError('not just now'));
  await connection[Symbol.asyncDispose]();
  expect(await connection.closed).toBeUndefined();
});

test('what a take brings while its channel closes goes back', async () => {
  const { clock, stores, connect, bystander } = world();
  await using connection = await connect('w1');
  const peer = await bystander();
  const deliveries: Delivery[] = [];
  const channel = await connection.openChannel();
  // As a server does whose answer was under way when it was told to stop waiting.
  stores[0]!.inner.reserve = async (_, { signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    return memoryTake();
  };
  const memoryTake = Object.getPrototypeOf(stores[0]!.inner).reserve.bind(stores[0]!.inner, ['q'], { max: 1, waitMs: 0, signal: new AbortController().signal });
  await channel.consume('q', (delivery) => void deliveries.push(delivery));
  await channel.publish(text('a'), '', 'q');
  await channel[Symbol.asyncDispose]();
  await clock.advance(10);
  expect(deliveries).toEqual([]);
  expect((await now(peer)).map((one) => one.redelivered)).toEqual([true]);
});

test('a take whose answer was lost goes back when its owner connects again, and nothing else does', async () => {
  const { clock, stores, connect, bystander } = world();
  const deliveries: Delivery[] = [];
  const first = await connect('w1');
  const channel = await consuming(first, deliveries, 4);
  await channel.publish(text('held'), '', 'q');
  await clock.advance(10);
  stores[0]!.loseAnswers = true;
  const peer = await bystander();
  await peer.put('q', text('lost'));
  await clock.advance(10);
  expect(await peer.size('q')).toBe(0);
  stores[0]!.cut();
  await first.closed;
  await using second = await connect('w1');
  await consuming(second, [], 0);
  expect((await now(peer)).map((one) => (one.message.body as { text: string }).text)).toEqual(['lost']);
  expect(deliveries.map(textOf)).toEqual(['held']);
});

test('a producer of the same owner does not stand in the way of that', async () => {
  const { clock, stores, connect, bystander } = world();
  const first = await connect('w1', { role: 'worker' });
  await consuming(first, []);
  await using producer = await connect('w1', { role: 'publish' });
  const channel = await producer.openChannel();
  stores[0]!.loseAnswers = true;
  await channel.publish(text('lost'), '', 'q');
  await clock.advance(10);
  stores[0]!.cut();
  await first.closed;
  const peer = await bystander();
  expect(await peer.size('q')).toBe(0);
  await using second = await connect('w1', { role: 'worker' });
  const deliveries: Delivery[] = [];
  await consuming(second, deliveries);
  await clock.advance(10);
  expect(deliveries.map(textOf)).toEqual(['lost']);
  expect(stores.map((store) => store.calls.filter((call) => call === 'reconcile').length)).toEqual([1, 0, 1]);
});

test('renews its lease for as long as it is connected, and only when it takes messages', async () => {
  const { clock, stores, connect } = world();
  await using connection = await connect('w1');
  const channel = await connection.openChannel();
  await channel.publish(text('a'), '', 'q');
  await clock.advance(60_000);
  expect(stores[0]!.calls.filter((call) => call === 'renew')).toEqual([]);
  expect(connection.lease!.isCertain).toBe(false);
  await channel.consume('q', () => undefined);
  expect(connection.lease!.isCertain).toBe(true);
  await clock.advance(60_000);
  expect(stores[0]!.calls.filter((call) => call === 'renew').length).toBeGreaterThanOrEqual(15);
  expect(stores[0]!.calls.filter((call) => call === 'recover').length).toBeGreaterThanOrEqual(9);
});

test('goes on renewing for what a worker that takes no more still holds, when its connection was lost meanwhile', async () => {
  const { clock, stores, connect, bystander } = world();
  const deliveries: Delivery[] = [];
  const first = await connect('w1', { role: 'worker' });
  const channel = await consuming(first, deliveries);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  stores[0]!.cut();
  await first.closed;
  await using _producer = await connect('w1', { role: 'publish' });
  await using _second = await connect('w1', { role: 'worker' });
  const peer = await bystander();
  for (let look = 0; look < 6; look++) {
    await clock.advance(10_000);
    expect(await peer.recover(10)).toBe(0);
  }
  await deliveries[0]!.settle('ack');
  expect(stores.map((store) => store.calls.includes('renew'))).toEqual([true, false, true]);
});

test('ends a connection whose lease could not be begun for what is still held', async () => {
  const { clock, stores, connect } = world((store) => {
    if (stores.length === 2) store.renew = () => Promise.reject(new OperationalError('NOREPLICAS'));
  });
  const first = await connect('w1', { role: 'worker' });
  const channel = await consuming(first, []);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  stores[0]!.cut();
  await first.closed;
  const second = await connect('w1', { role: 'worker' });
  expect(await second.closed).toMatchObject({ message: 'NOREPLICAS' });
});

test('puts back what a dead worker held within half a minute, even when looks fall badly', async () => {
  const { clock, connect, stores } = world();
  const dead = await consuming(await connect('dead'), []);
  await dead.publish(text('a'), '', 'q');
  await clock.advance(10);
  stores[0]!.cut();
  // The third look comes just before the lease lapses, the fourth as late as can be, and the one that confirms it as early as can be.
  using looks = vi.spyOn(Math, 'random').mockReturnValue(0.999);
  for (const random of [0.5, 0.5, 0.45, 0.999, 0]) looks.mockReturnValueOnce(random);
  const deliveries: Delivery[] = [];
  await using living = await connect('living');
  await consuming(living, deliveries);
  await clock.advance(30_000);
  expect(deliveries.map((one) => [textOf(one), one.redelivered])).toEqual([['a', true]]);
});

test('one that was declared lost hears it, closes, forgets what it held, and goes on under another id', async () => {
  const { clock, connect, bystander, stores } = world();
  const deliveries: Delivery[] = [];
  const connection = await connect('w1');
  const channel = await consuming(connection, deliveries);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  // Suspended: peers look twice while it does not renew, all in one moment of its own clock's timers.
  const peer = await bystander();
  const renew = stores[0]!.inner.renew.bind(stores[0]!.inner);
  stores[0]!.inner.renew = () => Promise.resolve(true);
  await clock.advance(20_000);
  await peer.recover(10);
  await clock.advance(6000);
  expect(await peer.recover(10)).toBe(1);
  const losses: Error[] = [];
  connection.lease!.onLost((reason) => void losses.push(reason));
  stores[0]!.inner.renew = renew;
  await clock.advance(5000);
  expect(losses).toHaveLength(1);
  expect(await connection.closed).toBe(losses[0]);

  await using second = await connect('w1');
  expect(stores.at(-1)!.owner).not.toBe('w1');
  await deliveries[0]!.settle('ack');
  expect(stores.at(-1)!.calls).not.toContain('settle ack');
  await consuming(second, deliveries);
  expect(second.lease!.isCertain).toBe(true);
  await clock.advance(10);
  expect(deliveries.map(textOf).slice(-1)).toEqual(['a']);
});

test('asks for the next batch before it hands out the one that came', async () => {
  const { clock, stores, connect } = world();
  await using connection = await connect('w1');
  const channel = await connection.openChannel();
  for (let n = 0; n < 8; n++) await channel.publish(text(`m${n}`), '', 'q');
  channel.setPrefetch(8);
  const takesBefore: number[] = [];
  await channel.consume('q', () => void takesBefore.push(stores[0]!.calls.filter((call) => call === 'reserve').length));
  await clock.advance(10);
  expect(takesBefore).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
});

test('one that came alone is handed out before the next batch is asked for: somebody may wait for what it says', async () => {
  const { clock, stores, connect } = world();
  await using connection = await connect('w1');
  const channel = await connection.openChannel();
  const takesBefore: number[] = [];
  await channel.consume('q', () => void takesBefore.push(stores[0]!.calls.filter((call) => call === 'reserve').length));
  for (let n = 1; n <= 2; n++) {
    await clock.advance(10);
    await channel.publish(text(`m${n}`), '', 'q');
    await clock.advance(10);
  }
  expect(takesBefore).toEqual([1, 2]);
});

test('a take that follows settles is made once for all of one tick, before the store sends them', async () => {
  const { clock, stores, connect } = world();
  await using connection = await connect('w1');
  const deliveries: Delivery[] = [];
  const channel = await consuming(connection, deliveries, 4);
  for (let n = 0; n < 12; n++) await channel.publish(text(`m${n}`), '', 'q');
  await clock.advance(10);
  expect(deliveries).toHaveLength(4);
  stores[0]!.calls.length = 0;
  for (const delivery of deliveries.slice(0, 4)) void delivery.settle('ack');
  expect(stores[0]!.calls).toEqual(['settle ack', 'settle ack', 'settle ack', 'settle ack']);
  await clock.advance(10);
  expect(deliveries).toHaveLength(8);
  expect(stores[0]!.calls.filter((call) => call === 'reserve')).toHaveLength(2);
});

test('an error that is no loss reaches who asked, and the connection lives', async () => {
  const { stores, connect } = world();
  await using connection = await connect('w1');
  const channel = await connection.openChannel();
  stores[0]!.inner.purge = () => Promise.reject(new TypeError('no such command'));
  await expect(channel.purge('q')).rejects.toThrow('no such command');
  await channel.publish(text('a'), '', 'q');
  expect((await channel.queueInfo('q'))?.messages).toBe(1);
});

test('when no connection will follow, whoever waits for a settle is told so', async () => {
  const { clock, stores, connect } = world();
  const road = new AbortController();
  const deliveries: Delivery[] = [];
  const connection = await connect('w1', { role: 'worker', signal: road.signal });
  const channel = await consuming(connection, deliveries);
  await channel.publish(text('a'), '', 'q');
  await clock.advance(10);
  stores[0]!.cut();
  await connection.closed;
  const settled = deliveries[0]!.settle('ack');
  settled.catch(() => undefined);
  await clock.advance(60_000);
  road.abort();
  await expect(settled).rejects.toThrow(OperationalError);
});

test('a connection that closes leaves alone what another of the same owner will settle when it is back', async () => {
  const { clock, stores, connect, bystander } = world();
  const deliveries: Delivery[] = [];
  const consumer = await connect('w1', { role: 'worker' });
  const producer = await connect('w1', { role: 'publish' });
  const channel = await consuming(consumer, deliveries);
  for (const value of ['a', 'b']) await channel.publish(text(value), '', 'q');
  await clock.advance(10);
  stores[0]!.cut();
  await consumer.closed;
  await producer[Symbol.asyncDispose]();
  const peer = await bystander();
  expect(await peer.size('q')).toBe(0);
  const settled = deliveries[0]!.settle('ack');
  await using _back = await connect('w1', { role: 'worker' });
  await settled;
  await deliveries[1]!.settle('return');
  expect((await now(peer)).map((one) => (one.message.body as { text: string }).text)).toEqual(['b']);
});

test('a broadcast is heard from a binding that comes late, and no more once it is undone', async () => {
  const { clock, connect } = world();
  await using connection = await connect('w1');
  const channel = await connection.openChannel();
  await channel.declareExchange({ name: 'fan', type: 'fanout', durable: false, autoDelete: false, arguments: {} });
  await channel.declareQueue({ name: 'ears', durable: false, exclusive: false, autoDelete: true, arguments: {} });
  const heard: string[] = [];
  await channel.consume('ears', (delivery) => void heard.push(`${delivery.routingKey} ${textOf(delivery)}`));
  const binding = { queue: 'ears', exchange: 'fan', routingKey: 'worker.#', arguments: {} };
  const shout = async (value: string): Promise<void> => {
    await channel.publish(text(value), 'fan', 'worker.online');
    await channel.publish(text(value), 'fan', 'task.sent');
    await clock.advance(10);
  };
  await shout('too early');
  await channel.bind(binding);
  await shout('heard');
  await channel.unbind(binding);
  await shout('too late');
  expect(heard).toEqual(['worker.online heard']);
});
