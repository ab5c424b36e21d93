import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../protocol/json.ts';
import { base64Of, bodyBytes, readEnvelope, writeEnvelope } from './envelope.ts';

const vectors = new URL('../../../test/fixtures/vectors/tasks/', import.meta.url);

/** Every envelope that Celery was seen to write. */
const captured = readdirSync(vectors).flatMap((file) => {
  const { messages = [] } = JSON.parse(readFileSync(new URL(file, vectors), 'utf8')) as { messages?: readonly { readonly envelope_text?: string }[] };
  return messages.flatMap(({ envelope_text: text }, n) => (text === undefined ? [] : [[`${file} ${n}`, text] as const]));
});

test.each(captured)('reads and writes %s as Celery does', (_, text) => {
  const original = JSON.parse(text) as JsonObject & { readonly properties: JsonObject };
  const { message, exchange, routingKey, redelivered } = readEnvelope(text);
  expect(redelivered).toBe(false);
  expect(message.contentType).toBe(original['content-type']);
  const deliveryTag = original.properties['delivery_tag'] as string;
  expect(JSON.parse(writeEnvelope(message, { exchange, routingKey, deliveryTag }))).toEqual(original);
  const { headersText: _none, ...rest } = message;
  const spliced = writeEnvelope({ ...rest, headersText: JSON.stringify(message.headers) }, { exchange, routingKey, deliveryTag });
  expect(JSON.parse(spliced)).toEqual(original);
});

test('there are envelopes to compare with', () => expect(captured.length).toBeGreaterThan(40));

test('keeps the order of keys that Celery writes', () => {
  const [, text] = captured.find(([name]) => name.startsWith('task_plain.json'))!;
  const { message, exchange, routingKey } = readEnvelope(text);
  const written = writeEnvelope(message, { exchange, routingKey, deliveryTag: 'x' });
  expect(Object.keys(JSON.parse(written) as object)).toEqual(Object.keys(JSON.parse(text) as object));
  expect(Object.keys((JSON.parse(written) as { properties: object }).properties)).toEqual(Object.keys((JSON.parse(text) as { properties: object }).properties));
});

test.each([
  ['no JSON', 'garbage'],
  ['nothing', ''],
  ['another value', '[1, 2]'],
  ['null', 'null'],
  ['no body', '{"headers": {}}'],
  ['a body that is no text', '{"body": {"a": 1}}'],
  ['an encoding nobody knows', '{"body": "x", "properties": {"body_encoding": "rot13"}}'],
])('%s is a foreign message that keeps its text', (_, text) => {
  const { message } = readEnvelope(text);
  expect(message.contentType).toBe('application/octet-stream');
  expect(message.body).toEqual({ text });
});

test.each([
  ['in base64', '{"body":"YQ==","properties":{"body_encoding":"base64"}}', { base64: 'YQ==' }],
  ["in base64, with Python's spaces", '{"body": "YQ==", "properties": {"body_encoding": "base64"}}', { base64: 'YQ==' }],
  ['in base64, behind the rest', '{"properties":{"body_encoding":"base64"},"body":"YQ=="}', { base64: 'YQ==' }],
  ['as text with quotes', '{"body": "[[\\"a\\"], {}, {}]", "properties": {"body_encoding": "utf-8"}}', { text: '[["a"], {}, {}]' }],
  ['that says something else later', '{"body":"YQ==","properties":{"body_encoding":"base64"},"body":"Yg=="}', { base64: 'Yg==' }],
])('a body %s is read', (_, text, body) => {
  expect(readEnvelope(text).message.body).toEqual(body);
});

test.each([
  ['absent', {}],
  ['null', { body_encoding: null }],
  ['utf-8', { body_encoding: 'utf-8' }],
])('with body_encoding %s the body is the text itself', (_, properties) => {
  expect(readEnvelope(JSON.stringify({ body: '[[], {}, {}]', properties })).message.body).toEqual({ text: '[[], {}, {}]' });
});

test.each([
  ['at the top', { redelivered: true }],
  ['in the headers', { headers: { redelivered: true } }],
  ['in delivery_info', { properties: { delivery_info: { redelivered: true } } }],
])('finds the redelivered flag %s', (_, more) => {
  expect(readEnvelope(JSON.stringify({ body: '', ...more })).redelivered).toBe(true);
});

test('reads what old and sparse writers leave out or put elsewhere', () => {
  const { message, exchange, routingKey } = readEnvelope(
    '{"body":"x","headers":null,"properties":{"delivery_info":{"priority":7},"correlation_id":null,"expiration":"2500"}}',
  );
  expect([exchange, routingKey, message.headers]).toEqual(['', '', {}]);
  expect(message.properties).toEqual({ priority: 7, expirationMs: 2500 });
});

test('writes every form of body as base64, and what must be escaped escaped', () => {
  const text = 'ä "x"\n';
  const expected = Buffer.from(text).toString('base64');
  for (const body of [{ text }, { base64: expected }, new Uint8Array(Buffer.from(text))]) {
    expect(base64Of(body)).toBe(expected);
    expect(bodyBytes(body)).toBeGreaterThanOrEqual(Buffer.byteLength(text));
    const message = { body, contentType: 'a"b', contentEncoding: 'utf-8', headers: {}, properties: { correlationId: 'ü"\\', expirationMs: 1500.7 } };
    const envelope = JSON.parse(writeEnvelope(message, { exchange: 'é"', routingKey: '\u2028', deliveryTag: 't' })) as JsonObject;
    expect(envelope).toEqual({
      body: expected,
      'content-encoding': 'utf-8',
      'content-type': 'a"b',
      headers: {},
      properties: {
        correlation_id: 'ü"\\',
        expiration: '1500',
        delivery_mode: 2,
        delivery_info: { exchange: 'é"', routing_key: '\u2028' },
        priority: 0,
        body_encoding: 'base64',
        delivery_tag: 't',
      },
    });
  }
});

test('takes a view of a larger buffer for what it is', () => {
  expect(base64Of(new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3))).toBe('AQI=');
});
