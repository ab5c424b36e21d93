import { deserialize, serialize } from 'node:v8';
import type { Json, JsonObject } from '../protocol/json.ts';
import { isPlain } from '../protocol/json-text.ts';
import { fillHeaders, type ReceivedTask, type TaskSource } from '../protocol/task-message.ts';
import type { MessageProperties } from '../protocol/wire-message.ts';

/** A message on its way to a child, without names: they are more than half of its text, and parent and child know them. */
export type PackedMessage = readonly [
  headers: readonly Json[],
  /** A text is V8's form of all headers, where JSON has none for one of them. */
  otherHeaders: JsonObject | string | null,
  body: { readonly text: string } | { readonly base64: string },
  contentType: string,
  contentEncoding: string,
  properties: MessageProperties,
  queue: string,
  exchange: string,
  routingKey: string,
  redelivered: boolean,
];

/** The headers that every task message has, as Celery writes it. */
const NAMES: readonly string[] = Object.keys(fillHeaders({ task: '', id: '' }));

/** The message as it came: the parent reads no body. Throws where a header cannot travel at all. */
export function packMessage({ wire, deliveryInfo }: ReceivedTask): PackedMessage {
  const { body, contentType, contentEncoding, headers, properties } = wire;
  const { queue, exchange, routingKey, redelivered } = deliveryInfo;
  const packed = body instanceof Uint8Array ? { base64: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64') } : body;
  const [known, others] = packHeaders(headers);
  return [known, others, packed, contentType, contentEncoding, properties, queue, exchange, routingKey, redelivered];
}

export function unpackMessage(packed: PackedMessage): TaskSource {
  const [known, others, body, contentType, contentEncoding, properties, queue, exchange, routingKey, redelivered] = packed;
  const headers = typeof others === 'string' ? (deserialize(Buffer.from(others, 'base64')) as JsonObject) : namedHeaders(known, others);
  return { message: { body, contentType, contentEncoding, headers, properties }, queue, exchange, routingKey, redelivered };
}

function namedHeaders(known: readonly Json[], others: JsonObject | null): JsonObject {
  const headers: Record<string, Json | undefined> = {};
  for (let index = 0; index < known.length; index++) headers[NAMES[index]!] = known[index];
  return others === null ? headers : Object.assign(headers, others);
}

/** In one pass for nearly all: every message comes through here. */
function packHeaders(headers: JsonObject): readonly [readonly Json[], JsonObject | string | null] {
  const known: Json[] = [];
  for (const name of NAMES) {
    const value = headers[name];
    // One is missing: protocol 1, or a careless writer.
    if (value === undefined || !isJson(value)) return [[], allHeaders(headers)];
    known.push(value);
  }
  let others: Record<string, Json | undefined> | null = null;
  for (const name in headers) {
    if (KNOWN.has(name)) continue;
    const value = headers[name];
    if (!isJson(value) || name === '__proto__') return [[], allHeaders(headers)];
    (others ??= {})[name] = value;
  }
  return [known, others];
}
const KNOWN: ReadonlySet<string> = new Set(NAMES);

const isJson = (value: Json | undefined): boolean => typeof value === 'string' || value === null || isPlain(value);

/** With their names. AMQP's tables hold more than JSON: dates, bytes, integers beyond 2^53, NaN; kombu's typed JSON would carry those, but change maps that look typed. */
const allHeaders = (headers: JsonObject): JsonObject | string =>
  isPlain(headers) && !Object.hasOwn(headers, '__proto__') ? headers : serialize(headers).toString('base64');
