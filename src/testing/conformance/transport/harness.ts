import assert from 'node:assert/strict';
import type { JsonObject } from '../../../protocol/json.ts';
import type { WireMessage } from '../../../protocol/wire-message.ts';
import type { BrokerConnection, Channel, Delivery, ExchangeType, QueueInfo, Transport } from '../../../transports/transport.ts';
import type { Harness } from '../suite.ts';

/** A transport, ready to be tested: each harness stands for a server of its own (a virtual host, a database number, a file, a key prefix). */
export interface TransportHarness extends Harness {
  readonly transport: Transport;
  /** Which priority is taken first: 9 as on RabbitMQ, or 0 as on Redis. */
  readonly firstPriority: 'highest' | 'lowest';
  /** Of the clock that connections are given. */
  now(): number;
  /** Another connection; without `owner` it is another owner's. */
  connect(options?: { readonly owner?: string }): Promise<BrokerConnection>;
  /** Where the server has queues of several kinds: the one to test. Default: as declared without arguments. */
  readonly queueKind?: QueueKind;
}

/** A kind of queue. */
export interface QueueKind {
  readonly arguments: JsonObject;
  /** What such queues cannot be or do, by the server's own documents, with the reason that is printed for the case left out. */
  readonly lacks: Readonly<Partial<Record<'autoDelete' | 'exclusive' | 'priorities', string>>>;
}

/** For cases that need what not every kind of queue can. */
export const needsQueues =
  (...abilities: readonly (keyof QueueKind['lacks'])[]) =>
  ({ queueKind }: TransportHarness): string | undefined =>
    abilities.map((ability) => queueKind?.lacks[ability]).find((reason) => reason !== undefined);

export function messageOf(text: string, more: Partial<WireMessage> = {}): WireMessage {
  return { body: { text }, contentType: 'text/plain', contentEncoding: 'utf-8', headers: {}, properties: {}, ...more };
}

export function textOf(message: WireMessage): string {
  const { body } = message;
  if (body instanceof Uint8Array) return Buffer.from(body).toString('utf8');
  return 'base64' in body ? Buffer.from(body.base64, 'base64').toString('utf8') : body.text;
}

export async function openChannel(harness: TransportHarness): Promise<Channel> {
  return (await harness.connect()).openChannel();
}

export function declareQueue(
  { queueKind }: TransportHarness,
  channel: Channel,
  name: string,
  more: { readonly exclusive?: boolean; readonly autoDelete?: boolean; readonly arguments?: JsonObject } = {},
): Promise<QueueInfo> {
  return channel.declareQueue({ name, durable: true, exclusive: false, autoDelete: false, ...more, arguments: { ...queueKind?.arguments, ...more.arguments } });
}

export function declareExchange(channel: Channel, name: string, type: ExchangeType): Promise<void> {
  return channel.declareExchange({ name, type, durable: true, autoDelete: false, arguments: {} });
}

export function bind(channel: Channel, queue: string, exchange: string, routingKey = ''): Promise<void> {
  return channel.bind({ queue, exchange, routingKey, arguments: {} });
}

/** A consumer that remembers what it got. */
export interface Inbox {
  readonly deliveries: readonly Delivery[];
  readonly texts: readonly string[];
  /** Waits until so many have come. */
  has(count: number): Promise<void>;
  /** Waits a moment in which none may come, and tells how many there are. */
  calm(): Promise<number>;
  readonly consuming: AsyncDisposable;
}

export async function consume(
  harness: TransportHarness,
  channel: Channel,
  queue: string,
  options: { readonly noAck?: boolean; readonly verdict?: 'ack'; readonly onCancelled?: (reason: Error) => void } = {},
): Promise<Inbox> {
  const deliveries: Delivery[] = [];
  const onDelivery = (delivery: Delivery): void => {
    deliveries.push(delivery);
    if (options.verdict !== undefined) void delivery.settle(options.verdict);
  };
  const { verdict: _verdict, ...consumeOptions } = options;
  const consuming = await channel.consume(queue, onDelivery, consumeOptions);
  return {
    deliveries,
    get texts() {
      return deliveries.map((delivery) => textOf(delivery.message));
    },
    has: (count) =>
      until(
        harness,
        () => deliveries.length >= count,
        () => `${count} messages were expected in "${queue}", but ${deliveries.length} came`,
      ),
    async calm() {
      for (let n = 0; n < 5; n++) await harness.elapse(20);
      return deliveries.length;
    },
    consuming,
  };
}

/** Lets time pass in small steps until it is so; ten seconds at most. */
export async function until(
  harness: Harness,
  isThere: () => boolean | Promise<boolean>,
  complaint = () => 'what was expected has not happened',
): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 10) {
    if (await isThere()) return;
    await harness.elapse(10);
  }
  assert(await isThere(), `${complaint()} within 10 seconds`);
}

/** Takes everything that is in a queue, acknowledging it. */
export async function drain(channel: Channel, queue: string): Promise<string[]> {
  const texts: string[] = [];
  for (let delivery = await channel.get(queue); delivery !== undefined; delivery = await channel.get(queue)) {
    texts.push(textOf(delivery.message));
    await delivery.settle('ack');
  }
  return texts;
}
