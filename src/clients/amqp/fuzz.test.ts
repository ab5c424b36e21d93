// The whole client against a broker whose stream is cut, reordered and corrupted: it ends with one clear error, whatever comes, and nothing waits for ever.
import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { AmqpReturned } from './channel.ts';
import { AmqpConnection, type AmqpStream } from './connection.ts';
import { AmqpConnectionLost, AmqpReplyError, AmqpSyntaxError } from './errors.ts';
import { FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, FrameParser } from './frames.ts';
import { METHODS, readMethod, writeMethod, type Fields, type MethodName } from './methods.ts';
import { writeProperties } from './properties.ts';

const RUNS = 10_000;
/** So many at a time, for speed. */
const TOGETHER = 25;

/** What is done to the frame with that number, counted over all that the broker sends. */
type Damage =
  | { readonly kind: 'none' | 'drop' | 'repeat' | 'hold' | 'silence' | 'end' }
  | { readonly kind: 'cut' | 'flip' | 'insert' | 'overwrite'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'channel'; readonly channel: number };
interface Plan {
  readonly frame: number;
  readonly damage: Damage;
  readonly again: { readonly after: number; readonly damage: Damage };
  /** Sizes of the pieces in which the stream arrives. */
  readonly pieces: readonly number[];
}

const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 });
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('none', 'drop', 'repeat', 'hold', 'silence', 'end') }),
  fc.record({ kind: fc.constantFrom('cut', 'flip', 'insert', 'overwrite'), at: fc.nat(200), bytes }),
  fc.record({ kind: fc.constant('channel'), channel: fc.nat(3) }),
);
const plan: fc.Arbitrary<Plan> = fc.record({
  frame: fc.nat(22),
  damage,
  again: fc.record({ after: fc.nat(6), damage }),
  pieces: fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 500 })), { maxLength: 4 }),
});

function frame(type: number, channel: number, write: (out: ByteWriter) => void): Buffer {
  const payload = new ByteWriter();
  write(payload);
  const body = payload.take();
  const out = new ByteWriter();
  out.u8(type);
  out.u16(channel);
  out.u32(body.length);
  out.bytes(body);
  out.u8(FRAME_END);
  return out.take();
}
const method = <N extends MethodName>(channel: number, name: N, fields: Partial<Fields<N>>): Buffer =>
  frame(FRAME_METHOD, channel, (out) => writeMethod(out, name, fields));
function content(channel: number, text: string): Buffer[] {
  const body = Buffer.from(text);
  const header = frame(FRAME_HEADER, channel, (out) => {
    out.u16(METHODS['basic.publish'][0]);
    out.u16(0);
    out.u64Number(body.length);
    writeProperties(out, { contentType: 'text/plain', headers: { a: 1, nested: { list: [1, 'x', null] } } });
  });
  const half = body.length >> 1;
  return [header, frame(FRAME_BODY, channel, (out) => out.bytes(body.subarray(0, half))), frame(FRAME_BODY, channel, (out) => out.bytes(body.subarray(half)))];
}
const delivery = { exchange: '', routingKey: 'q', redelivered: false };

/** What a broker answers to each method. */
const ANSWERS: Partial<Record<MethodName, (channel: number, fields: Record<string, unknown>) => readonly Buffer[]>> = {
  'connection.start-ok': () => [method(0, 'connection.tune', { channelMax: 2047, frameMax: 131_072, heartbeat: 0 })],
  'connection.open': () => [method(0, 'connection.open-ok', {})],
  'connection.close': () => [method(0, 'connection.close-ok', {})],
  'channel.open': (channel) => [method(channel, 'channel.open-ok', {})],
  'channel.close': (channel) => [method(channel, 'channel.close-ok', {})],
  'queue.declare': (channel) => [method(channel, 'queue.declare-ok', { queue: 'q', messageCount: 1, consumerCount: 0 })],
  'confirm.select': (channel) => [method(channel, 'confirm.select-ok', {}), frame(FRAME_HEARTBEAT, 0, () => undefined)],
  'basic.consume': (channel, { consumerTag }) => [
    method(channel, 'basic.consume-ok', { consumerTag: consumerTag as string }),
    method(channel, 'basic.deliver', { ...delivery, consumerTag: consumerTag as string, deliveryTag: 1 }),
    ...content(channel, 'a delivered body'),
    method(0, 'connection.blocked', { reason: 'low on memory' }),
    method(0, 'connection.unblocked', {}),
  ],
  'basic.get': (channel) => [
    method(channel, 'basic.get-ok', { ...delivery, deliveryTag: 2, messageCount: 0 }),
    ...content(channel, 'a body that was asked for'),
  ],
  'basic.publish': (channel, { mandatory, exchange, routingKey }) => [
    ...(mandatory === true
      ? [
          method(channel, 'basic.return', { replyCode: 312, replyText: 'NO_ROUTE', exchange: exchange as string, routingKey: routingKey as string }),
          ...content(channel, 'a body'),
        ]
      : []),
    method(channel, 'basic.ack', { deliveryTag: mandatory === true ? 2 : 1, multiple: false }),
  ],
};

/** A broker without a network, that speaks as planned. */
class Broker extends EventEmitter {
  readonly #plan: Plan;
  readonly #hears: FrameParser;
  #count = 0;
  #next: number;
  #damage: Damage;
  #held: Buffer | undefined;
  #isSilent = false;
  #isGreeted = false;
  #isClosed = false;
  readonly writableLength = 0;

  constructor(given: Plan) {
    super();
    this.#plan = given;
    this.#next = given.frame;
    this.#damage = given.damage;
    this.#hears = new FrameParser((type, channel, buffer, start, end) => {
      if (type !== FRAME_METHOD) return;
      const { name, fields } = readMethod(new ByteReader(buffer, start, end));
      this.#say(ANSWERS[name]?.(channel, fields) ?? []);
    });
    this.#hears.maxFrameBytes = 131_072;
  }

  write(chunk: Buffer): boolean {
    if (this.#isClosed) return false;
    if (this.#isGreeted) this.#hears.push(Buffer.from(chunk));
    else {
      this.#isGreeted = true;
      this.#say([
        method(0, 'connection.start', { versionMajor: 0, versionMinor: 9, serverProperties: { product: 'fuzz' }, mechanisms: 'PLAIN', locales: 'en_US' }),
      ]);
    }
    return true;
  }

  #say(frames: readonly Buffer[]): void {
    for (const one of frames) {
      const isMeant = this.#count === this.#next;
      this.#count += 1;
      if (this.#isSilent) continue;
      const held = this.#held;
      this.#held = undefined;
      for (const part of isMeant ? this.#damaged(one) : [one]) this.#arrive(part);
      if (held !== undefined) this.#arrive(held);
      if (isMeant) {
        this.#next += 1 + this.#plan.again.after;
        this.#damage = this.#plan.again.damage;
      }
    }
  }

  #damaged(one: Buffer): readonly Buffer[] {
    const what = this.#damage;
    switch (what.kind) {
      case 'drop':
        return [];
      case 'repeat':
        return [one, one];
      case 'hold':
        this.#held = one;
        return [];
      case 'silence':
        this.#isSilent = true;
        return [];
      case 'end':
        queueMicrotask(() => this.destroy());
        return [];
      case 'cut':
        return [one.subarray(0, what.at % one.length)];
      case 'flip':
        return [one.map((byte, i) => (i === what.at % one.length ? byte ^ (what.bytes[0]! || 1) : byte)) as Buffer].map((made) => Buffer.from(made));
      case 'insert':
        return [one.subarray(0, what.at % one.length), Buffer.from(what.bytes), one.subarray(what.at % one.length)];
      case 'overwrite': {
        const made = Buffer.from(one);
        made.set(what.bytes.subarray(0, made.length - (what.at % made.length)), what.at % made.length);
        return [made];
      }
      case 'channel': {
        const made = Buffer.from(one);
        made.writeUInt16BE(what.channel, 1);
        return [made];
      }
      case 'none':
        return [one];
    }
  }

  #arrive(part: Buffer): void {
    const { pieces } = this.#plan;
    queueMicrotask(() => {
      for (let at = 0, i = 0; at < part.length && !this.#isClosed; i++) {
        const size = pieces.length === 0 ? part.length : pieces[i % pieces.length]!;
        this.emit('data', part.subarray(at, at + size));
        at += size;
      }
    });
  }

  end(): this {
    return this;
  }
  destroy(): this {
    if (!this.#isClosed) queueMicrotask(() => this.emit('close'));
    this.#isClosed = true;
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

const CLEAR = [AmqpSyntaxError, AmqpReplyError, AmqpConnectionLost, AmqpReturned];

test(`${RUNS} conversations with a broken broker end with one clear error each, or well, and none waits for ever`, { timeout: 300_000 }, async () => {
  const ends = { well: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: TOGETHER, maxLength: TOGETHER }), async (plans) => {
      for (const end of await Promise.all(plans.map(converse))) ends[end] += 1;
    }),
    { numRuns: RUNS / TOGETHER, endOnFailure: true },
  );
  // Neither is the damage harmless, nor does the client take everything for an error.
  expect(Math.min(ends.well, ends.failed)).toBeGreaterThan(RUNS / 100);
});

/** One conversation, until nothing can come any more. */
async function converse(given: Plan): Promise<'well' | 'failed'> {
  const clock = createFakeClock();
  const broker = new Broker(given);
  const errors: unknown[] = [];
  const open = new Set<string>();
  const note = async (what: string, promise: Promise<unknown>): Promise<void> => {
    open.add(what);
    await promise.catch((error: unknown) => errors.push(error));
    open.delete(what);
  };
  const closed: (Error | undefined)[] = [];
  const talk = async (): Promise<void> => {
    const connection = await AmqpConnection.open({
      ...{
        host: 'fuzz',
        port: 0,
        username: 'u',
        password: 'p',
        virtualHost: '/',
        name: 'fuzz',
        clock,
        timeoutMs: 1000,
        heartbeatMs: 0,
        maxMessageBytes: 1e6,
      },
      connect: () => Promise.resolve(broker as unknown as AmqpStream),
    });
    void note(
      'closed',
      connection.closed.then((reason) => closed.push(reason)),
    );
    connection.onBlocked(() => undefined);
    const channel = await connection.openChannel();
    const both = [
      channel.call('queue.declare', { queue: 'q' }, 'queue.declare-ok'),
      channel.consume('q', { onMessage: ({ deliveryTag }) => channel.send('basic.ack', { deliveryTag }), onCancelled: () => undefined }),
      channel.publish('', 'q', { headers: { a: 1 } }, Buffer.from('x')),
      channel.publish('', 'nowhere', {}, Buffer.from('y'), { mandatory: true }),
      channel.get('q'),
    ];
    for (const [number, one] of both.entries()) void note(`call ${number}`, one);
    await Promise.allSettled(both);
    await note('channel.close', channel.close());
    await note('close', connection.close());
  };
  void note('talk', talk());
  const quiet = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await quiet();
  // What is still waited for is what the broker owes: the connection's end settles it, and a close of ours ends by itself.
  broker.destroy();
  await clock.advance(5000);
  await quiet();
  expect([...open]).toEqual([]);
  for (const error of errors) {
    expect(
      CLEAR.some((type) => error instanceof type),
      String(error),
    ).toBe(true);
    expect((error as Error).message).not.toBe('');
  }
  for (const reason of closed) expect(reason === undefined || CLEAR.some((type) => reason instanceof type), String(reason)).toBe(true);
  expect(clock.pending).toBe(0);
  // The mandatory message comes back in every conversation.
  return errors.every((error) => error instanceof AmqpReturned) && closed[0] === undefined ? 'well' : 'failed';
}
