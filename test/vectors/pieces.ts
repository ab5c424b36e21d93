import { expect } from 'vitest';
import { decodeJson, encodeJson } from '../../src/protocol/json-text.ts';
import type { Json, JsonObject, Value } from '../../src/protocol/json.ts';
import { controlReplyValue, controlRequestValue, readControlReply, readControlRequest } from '../../src/protocol/control-message.ts';
import { readEvents } from '../../src/protocol/event.ts';
import { encodeMeta, readMeta } from '../../src/protocol/result-meta.ts';
import { isMap, readSignature } from '../../src/protocol/signature.ts';
import { encodeTaskBody, fillHeaders, receiveTask, type ReceivedTask } from '../../src/protocol/task-message.ts';
import type { WireMessage } from '../../src/protocol/wire-message.ts';
import { createSerializerRegistry } from '../../src/serialization/index.ts';
import { readEnvelope, writeEnvelope } from '../../src/transports/virtual/envelope.ts';

export const registry = createSerializerRegistry();
const accept = ['json', 'msgpack', 'yaml', 'raw', 'text/plain', 'pickle'];
export const decode = (message: WireMessage): Value | Promise<Value> => registry.decode(message, { accept, maxBytes: 2 ** 24 });

/** What is found in a vector, whatever its shape. Each piece is read, written again by our code from what was understood, and compared field by field, nothing masked. */
export interface Piece {
  readonly kind: string;
  check(): Promise<void>;
}

/** All envelopes, metas, task messages, control messages and events, at any depth. */
export function piecesOf(value: Json | undefined): readonly Piece[] {
  if (typeof value === 'string') return piecesOfText(value);
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(piecesOf);
  const map = value as JsonObject;
  const inner = Object.values(map).flatMap(piecesOf);
  const own = pieceOfMap(map);
  return own === undefined ? inner : [own, ...inner];
}

function piecesOfText(text: string): readonly Piece[] {
  if (!/^\s*[[{]/.test(text)) return [];
  const value = parsed(text);
  if (!isMap(value))
    return Array.isArray(value) ? (value as readonly Json[]).flatMap((item) => (typeof item === 'object' ? piecesOf(encodedAgain(item)) : [])) : [];
  if ('body' in value && 'properties' in value) return [{ kind: 'envelope', check: () => checkEnvelope(text) }];
  if ('status' in value && 'task_id' in value) return [{ kind: 'meta', check: () => checkMeta(decodeJson(text)) }];
  return [];
}

/** An envelope inside a list is a map already; as text it is found like the others. */
const encodedAgain = (item: Json): Json => (isMap(item) && 'body' in item && 'properties' in item ? JSON.stringify(item) : item);

function parsed(text: string): unknown {
  try {
    return decodeJson(text);
  } catch {
    // Many texts in the vectors only look like JSON.
    return undefined;
  }
}

/** Messages that the capture has decoded already: their bodies are maps and lists. */
function pieceOfMap(map: JsonObject): Piece | undefined {
  const headers = (map['headers'] ?? (map['properties'] as JsonObject | undefined)?.['application_headers']) as JsonObject | undefined;
  const { body } = map;
  if (isMap(headers) && typeof headers['task'] === 'string' && Array.isArray(body)) {
    return { kind: 'task', check: async () => checkTask(await received(headers, { text: JSON.stringify(body) }), headers, body as Json) };
  }
  if (isMap(body) && 'status' in body && 'task_id' in body) return { kind: 'meta', check: () => checkMeta(body as Value) };
  if (isMap(body) && typeof body['method'] === 'string') return { kind: 'command', check: () => checkBody(body) };
  if (typeof map['event'] === 'object' || isEvent(map)) return { kind: 'event', check: () => checkBody((isEvent(map) ? map : map['event']) as Value) };
  if (typeof map['task'] === 'string' && isMap(map['options']) && 'subtask_type' in map) return { kind: 'signature', check: () => checkSignature(map) };
  return undefined;
}
const isEvent = (map: JsonObject): boolean => typeof map['type'] === 'string' && 'timestamp' in map && 'hostname' in map;

async function checkEnvelope(text: string): Promise<void> {
  const original = JSON.parse(text) as JsonObject;
  const read = readEnvelope(text);
  expect(read.message.contentType).toBe(original['content-type']);
  const info = (original['properties'] as JsonObject)['delivery_info'] as JsonObject;
  expect([read.exchange, read.routingKey]).toEqual([info['exchange'], info['routing_key']]);
  if (read.message.contentType === 'application/x-python-serialize') {
    expect(() => decode(read.message)).toThrow(/pickle is not supported/);
    return;
  }
  const { headers } = read.message;
  const body = await rewrittenBody(read.message);
  const labels = { exchange: read.exchange, routingKey: read.routingKey, deliveryTag: String((original['properties'] as JsonObject)['delivery_tag']) };
  const again = JSON.parse(writeEnvelope({ ...read.message, ...body, headers }, labels)) as JsonObject;
  expect({ ...again, body: null }).toEqual({ ...original, body: null });
  expect(await decode(readEnvelope(JSON.stringify(again)).message)).toEqual(await decode(read.message));
}

/** The body, understood and written again by the serializer and compression that it came with. */
async function rewrittenBody(message: WireMessage): Promise<Pick<WireMessage, 'body'>> {
  const value = await decode(message);
  const compression = message.headers['compression'] as string | undefined;
  const isTask = message.headers['task'] !== undefined;
  if (isTask) {
    const task = await received(message.headers, message.body, message);
    await checkTask(task, message.headers, await (value as Json));
    if (message.contentType === 'application/json' && compression === undefined) return { body: { text: encodeTaskBody(await task.body()) } };
  }
  const serializer = message.contentType === 'application/json' ? 'json' : message.contentType === 'application/x-msgpack' ? 'msgpack' : 'yaml';
  return { body: (await registry.encode(isTask ? value : understood(value), { serializer, compression })).body };
}

const received = async (headers: JsonObject, body: WireMessage['body'], message?: WireMessage): Promise<ReceivedTask> =>
  receiveTask(
    {
      message: { contentType: 'application/json', contentEncoding: 'utf-8', properties: {}, ...message, headers, body },
      queue: 'q',
      exchange: '',
      routingKey: 'q',
      redelivered: false,
    },
    decode,
  );

/** A task message says the same when it is written from what was read of it. */
async function checkTask(task: ReceivedTask, headers: JsonObject, body: Value): Promise<void> {
  const { replaced_task_nesting, stamped_headers, stamps, ...since52 } = fillHeaders(task.headers);
  const filled: JsonObject = { ...since52, ...('stamps' in headers ? { replaced_task_nesting, stamped_headers, stamps } : {}) };
  expect(Object.fromEntries(Object.keys(headers).map((name) => [name, filled[name]]))).toEqual(headers);
  expect(decodeJson(encodeTaskBody(await task.body()))).toEqual(body);
}

async function checkBody(body: Value): Promise<void> {
  expect(decodeJson(encodeJson(understood(body)))).toEqual(body);
}

async function checkSignature(map: JsonObject): Promise<void> {
  expect(JSON.parse(encodeJson(readSignature(map as Value)))).toEqual(map);
}

/** Commands, replies and events through their readers and writers; protocol 1 tasks and anything else as it is. */
function understood(body: Value): Value {
  if (isMap(body) && typeof body['method'] === 'string') return controlRequestValue(readControlRequest(body));
  if (isMap(body) && Object.keys(body).length === 1 && Object.keys(body)[0]!.includes('@')) return controlReplyValue(readControlReply(body)[0]!);
  if (isMap(body) && typeof body['type'] === 'string') return readEvents(body)[0]!;
  if (Array.isArray(body) && (body as readonly Value[]).every((item) => isMap(item) && 'type' in item)) return readEvents(body as Value);
  return body;
}

/** RPC results of 5.6 lack what 5.7 sends too (celery-5.7.md 1, item 4); it must stay away from what is written only by being null. */
async function checkMeta(value: Value): Promise<void> {
  const written = JSON.parse(encodeMeta(readMeta(value))) as JsonObject;
  const original = JSON.parse(encodeJson(value)) as JsonObject;
  expect(written).toEqual('date_done' in original ? original : { ...original, date_done: null });
  if ('date_done' in original)
    expect(Object.keys(written).filter((key) => KEYS.includes(key))).toEqual(Object.keys(original).filter((key) => KEYS.includes(key)));
}
const KEYS = ['status', 'result', 'traceback', 'children', 'date_done', 'group_id', 'parent_id'];
