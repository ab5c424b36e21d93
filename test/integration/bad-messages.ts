/* What a worker may find in its queue although nobody should have put it there; and what must become of it. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { JsonObject } from '../../src/protocol/json.ts';
import { fillHeaders } from '../../src/protocol/task-message.ts';
import type { WireBody, WireMessage } from '../../src/protocol/wire-message.ts';
import { writeEnvelope } from '../../src/transports/virtual/envelope.ts';

/** The limit for the worker that gets these. */
export const MAX_BYTES = 200_000;

/**
 * `dead`: never a task, goes where dead letters go. The states: it names a task, so that task ends so. A kind with `raw` alone can only be had from a
 * store that keeps envelopes as text.
 */
export interface BadKind {
  readonly name: string;
  readonly becomes: 'dead' | 'FAILURE' | 'SUCCESS';
  readonly message?: () => WireMessage;
  readonly raw?: () => string | Buffer;
  /** Large ones are sent only so often. */
  readonly most?: number;
}

const EMBED = { callbacks: null, errbacks: null, chain: null, chord: null };
const BODY = JSON.stringify([[], {}, EMBED]);
const base64 = (text: string | Buffer): WireBody => ({ base64: Buffer.from(text).toString('base64') });

export function messageOf(headers: JsonObject = {}, body: WireBody = base64(BODY), more: Partial<WireMessage> = {}): WireMessage {
  const filled = { ...fillHeaders({ task: 'bad.quiet', id: crypto.randomUUID() }), ...headers };
  return { body, contentType: 'application/json', contentEncoding: 'utf-8', headers: filled, properties: {}, ...more };
}

export const envelopeOf = (message: WireMessage, queue: string): string =>
  writeEnvelope(message, { exchange: '', routingKey: queue, deliveryTag: crypto.randomUUID() });

const withHeaders = (name: string, becomes: BadKind['becomes'], headers: JsonObject): BadKind => ({ name, becomes, message: () => messageOf(headers) });
const withBody = (name: string, becomes: BadKind['becomes'], body: unknown): BadKind => ({
  name,
  becomes,
  message: () => messageOf({}, base64(typeof body === 'string' ? body : JSON.stringify(body))),
});
const envelopeWith = (name: string, becomes: BadKind['becomes'], change: JsonObject): BadKind => ({
  name,
  becomes,
  raw: () => JSON.stringify({ ...(JSON.parse(envelopeOf(messageOf(), 'q')) as JsonObject), ...change }),
});
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const bomb = gzipSync(Buffer.alloc(30_000_000, 0x20));

export const badKinds: readonly BadKind[] = [
  // No envelope at all.
  { name: 'random bytes', becomes: 'dead', raw: () => randomBytes(300) },
  { name: 'an empty text', becomes: 'dead', raw: () => '' },
  { name: 'a cut envelope', becomes: 'dead', raw: () => envelopeOf(messageOf(), 'q').slice(0, -40) },
  { name: 'JSON that is no map', becomes: 'dead', raw: () => '[1, 2, 3]' },
  { name: 'a deeply nested text', becomes: 'dead', raw: () => nested(50_000), most: 20 },
  envelopeWith('an envelope without a body', 'dead', { body: null }),
  envelopeWith('a number for a body', 'dead', { body: 42 }),
  envelopeWith('headers that are a list', 'dead', { headers: [1, 2] }),
  envelopeWith('properties that are null', 'FAILURE', { properties: null }),
  envelopeWith('a number for a content type', 'dead', { 'content-type': 7 }),
  envelopeWith('delivery info that is a text', 'SUCCESS', {
    properties: { body_encoding: 'base64', delivery_info: 'here', delivery_tag: 5, correlation_id: 9 },
  }),
  // A body that cannot be read.
  { name: 'wrong base64', becomes: 'FAILURE', message: () => messageOf({}, { base64: '%%% no base64 %%%' }) },
  { name: 'bytes that are no UTF-8', becomes: 'FAILURE', message: () => messageOf({}, base64(Buffer.from([0x5b, 0xff, 0xfe, 0x5d]))) },
  { name: 'an unknown charset', becomes: 'FAILURE', message: () => messageOf({}, base64(BODY), { contentEncoding: 'klingon' }) },
  { name: 'a content type that nobody knows', becomes: 'dead', message: () => messageOf({}, base64('<x/>'), { contentType: 'text/xml' }) },
  { name: 'no content type', becomes: 'dead', message: () => messageOf({}, base64(BODY), { contentType: '' }) },
  {
    name: 'pickle',
    becomes: 'dead',
    message: () => messageOf({}, base64('\x80\x04K\x01.'), { contentType: 'application/x-python-serialize', contentEncoding: 'binary' }),
  },
  { name: 'an unknown compression', becomes: 'FAILURE', message: () => messageOf({ compression: 'application/x-nothing' }) },
  { name: 'a compression that it has not', becomes: 'FAILURE', message: () => messageOf({ compression: 'application/x-gzip' }) },
  { name: 'a decompression bomb', becomes: 'FAILURE', message: () => messageOf({ compression: 'application/x-gzip' }, base64(bomb)), most: 20 },
  { name: 'a body above the limit', becomes: 'dead', message: () => messageOf({}, base64(JSON.stringify([['x'.repeat(MAX_BYTES + 1)], {}, EMBED]))), most: 10 },
  // A body that is not a task's.
  withBody('a cut body', 'FAILURE', BODY.slice(0, -3)),
  withBody('a deeply nested body', 'FAILURE', nested(20_000)),
  withBody('a body that is a number', 'FAILURE', 7),
  withBody('an empty body', 'FAILURE', ''),
  withBody('kwargs that are a list', 'FAILURE', [[], [1], EMBED]),
  withBody('args that are a map', 'FAILURE', [{ a: 1 }, {}, EMBED]),
  withBody('callbacks that are numbers', 'FAILURE', [[], {}, { ...EMBED, callbacks: [1, 2] }]),
  withBody('a chord that is a text', 'FAILURE', [[], {}, { ...EMBED, chord: 'body' }]),
  withBody(
    'names that are __proto__',
    'FAILURE',
    '[[],{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}},{"__proto__":{"polluted":true}}]',
  ),
  // What careless writers send, and what we can make sense of.
  withBody('a body of two', 'SUCCESS', [[], {}]),
  withBody('null for kwargs', 'SUCCESS', [[], null, EMBED]),
  // Headers.
  withHeaders('a task that nobody knows', 'dead', { task: 'bad.unknown' }),
  withHeaders('no task', 'dead', { task: '' }),
  withHeaders('a number for the task', 'dead', { task: 42 }),
  withHeaders('no id', 'dead', { id: null }),
  withHeaders('a map for the id', 'dead', { id: { a: 1 } }),
  withHeaders('garbage for an eta', 'dead', { eta: 'soon' }),
  withHeaders('a list for an eta', 'dead', { eta: [2026] }),
  withHeaders('garbage for expires', 'dead', { expires: '32nd of March' }),
  withHeaders('a text for retries', 'dead', { retries: 'three' }),
  withHeaders('a text for the time limit', 'dead', { timelimit: 'short' }),
  withHeaders('a number for the root', 'dead', { root_id: 7 }),
  withHeaders('a text for the place in a group', 'dead', { group: 'g', group_index: 'first' }),
  withHeaders('a map for stamped headers', 'dead', { stamped_headers: { a: 1 } }),
  { name: 'huge headers', becomes: 'SUCCESS', message: () => messageOf({ note: 'n'.repeat(100_000) }), most: 20 },
  { name: 'deeply nested headers', becomes: 'SUCCESS', message: () => messageOf({ note: JSON.parse(nested(1_000)) as JsonObject }), most: 20 },
  // Protocol 1.
  { name: 'an empty protocol 1 message', becomes: 'dead', message: () => ({ ...messageOf({}, base64('{}')), headers: {} }) },
  { name: 'protocol 1 without an id', becomes: 'dead', message: () => ({ ...messageOf({}, base64('{"task":"bad.quiet"}')), headers: {} }) },
  { name: 'protocol 1 with a number for a task', becomes: 'dead', message: () => ({ ...messageOf({}, base64('{"task":5,"id":"x"}')), headers: {} }) },
];
