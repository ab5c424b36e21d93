import assert from 'node:assert/strict';
import type { WireMessage } from '../../../protocol/wire-message.ts';
import type { TransportCapabilities } from '../../../transports/transport.ts';
import type { LeaseTimes } from '../../../transports/virtual/lease-times.ts';
import type { QueueStore, Reservation } from '../../../transports/virtual/queue-store.ts';
import type { Harness } from '../suite.ts';

/** A driver's store, ready to be tested: each harness stands for a server of its own (a database number, a file, a key prefix). */
export interface QueueStoreHarness extends Harness {
  readonly capabilities: TransportCapabilities;
  /** Those that the stores are opened with. On a real clock let them be short: the cases wait for them. */
  readonly times: LeaseTimes;
  /** Which priority is taken first: 9 as on RabbitMQ, or 0 as on Redis. */
  readonly firstPriority: 'highest' | 'lowest';
  /** Of the clock that the stores were given. */
  now(): number;
  /** Opens a store on this harness's server. Each call is another connection; without `owner` it is another owner too. */
  open(options?: { readonly owner?: string; readonly maxMessageBytes?: number }): Promise<QueueStore>;
  /** Puts a text that is no envelope into a queue; left out where a store has no envelopes. */
  putRaw?(queue: string, text: string): Promise<void>;
}

/** A message with this text as its body. */
export function messageOf(text: string, more: Partial<WireMessage> = {}): WireMessage {
  return { body: { text }, contentType: 'text/plain', contentEncoding: 'utf-8', headers: {}, properties: {}, ...more };
}

/** The body as bytes, in whichever form it came. */
export function bytesOf(message: WireMessage): Uint8Array {
  const { body } = message;
  if (body instanceof Uint8Array) return body;
  return 'base64' in body ? Buffer.from(body.base64, 'base64') : Buffer.from(body.text, 'utf8');
}

export const textOf = (message: WireMessage): string => Buffer.from(bytesOf(message)).toString('utf8');
export const textsOf = (reservations: readonly Reservation[]): string[] => reservations.map((reservation) => textOf(reservation.message));

/** Takes what is there now, without waiting. */
export async function take(store: QueueStore, queue: string | readonly string[], max = 100): Promise<readonly Reservation[]> {
  return store.reserve(typeof queue === 'string' ? [queue] : queue, { max, waitMs: 0, signal: new AbortController().signal });
}

/** Takes one that must be there. */
export async function takeOne(store: QueueStore, queue: string): Promise<Reservation> {
  const [reservation] = await take(store, queue, 1);
  assert(reservation !== undefined, `a message was expected in queue ${queue}, but there is none`);
  return reservation;
}

export async function createQueue(store: QueueStore, name: string): Promise<void> {
  await store.createQueue({ name, durable: true, exclusive: false, autoDelete: false, arguments: {} });
}

/** A store with one queue in it, and these messages. */
export async function storeWith(harness: QueueStoreHarness, queue: string, texts: readonly string[] = []): Promise<QueueStore> {
  const store = await harness.open();
  await createQueue(store, queue);
  for (const text of texts) await store.put(queue, messageOf(text));
  return store;
}

/** Takes until nothing is left, in batches. */
export async function drain(store: QueueStore, queue: string, max = 100): Promise<Reservation[]> {
  const all: Reservation[] = [];
  for (;;) {
    const batch = await take(store, queue, max);
    if (batch.length === 0) return all;
    all.push(...batch);
  }
}
