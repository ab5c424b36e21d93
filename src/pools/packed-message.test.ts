import { expect, test } from 'vitest';
import type { JsonObject } from '../protocol/json.ts';
import { fillHeaders, receiveTask, type ReceivedTask } from '../protocol/task-message.ts';
import type { WireBody } from '../protocol/wire-message.ts';
import { packMessage, unpackMessage } from './packed-message.ts';

const received = (headers: JsonObject, body: WireBody = { text: '[[],{},{}]' }): ReceivedTask => ({
  headers: fillHeaders({ task: 't', id: 'i' }),
  wire: { body, contentType: 'application/json', contentEncoding: 'utf-8', headers, properties: { correlationId: 'i', priority: 3 } },
  deliveryInfo: { queue: 'q', exchange: 'e', routingKey: 'k', priority: 3, redelivered: true },
  body: () => ({ args: [], kwargs: {}, embed: { callbacks: null, errbacks: null, chain: null, chord: null } }),
});
/** As a pipe carries it. */
const travelled = (one: ReceivedTask) => unpackMessage(JSON.parse(JSON.stringify(packMessage(one))) as ReturnType<typeof packMessage>);

test.each<[string, JsonObject]>([
  ['as Celery writes them', fillHeaders({ task: 't', id: 'i', retries: 2, timelimit: [5, null], stamps: { by: ['me'] } })],
  ['with some of the user, one of them null', { ...fillHeaders({ task: 't', id: 'i' }), tenant: { id: 7 }, nothing: null }],
  ['with one missing', { task: 't', id: 'i', eta: null }],
  ['of protocol 1', {}],
])('headers %s arrive as they were', (_, headers) => {
  const { message, ...rest } = travelled(received(headers));
  expect(message).toEqual({ ...received(headers).wire });
  expect(rest).toEqual({ queue: 'q', exchange: 'e', routingKey: 'k', redelivered: true });
});

test.each<[string, unknown]>([
  ['an integer beyond 2^53', 2n ** 60n],
  ['a date', new Date(5000)],
  ['bytes', new Uint8Array([0, 255])],
  ['what is no number', { deep: [NaN, -Infinity] }],
  ['a map that looks like a typed value', { __type__: 'datetime', __value__: 'never' }],
  ['a member of an odd name', JSON.parse('{"__proto__":{"a":1}}')],
])('a header that is %s arrives as it was', (_, odd) => {
  for (const headers of [{ ...fillHeaders({ task: 't', id: 'i' }), odd }, { odd }, { ...fillHeaders({ task: 't', id: 'i' }), stamps: { odd } }])
    expect(travelled(received(headers as JsonObject)).message.headers).toStrictEqual(headers);
});

test('a header named __proto__ is one like any other', () => {
  const headers = JSON.parse('{"task":"t","id":"i","__proto__":{"polluted":true}}') as JsonObject;
  const { message } = travelled(received(headers));
  expect(Object.keys(message.headers)).toEqual(['task', 'id', '__proto__']);
  expect(message.headers['polluted']).toBeUndefined();
});

test('bytes arrive as base64, and the child reads the task that the parent has read', () => {
  const source = travelled(received(fillHeaders({ task: 't', id: 'i', origin: null }), new TextEncoder().encode('x')));
  expect(source.message.body).toEqual({ base64: 'eA==' });
  const task = receiveTask(source, () => null) as ReceivedTask;
  expect(task.headers).toEqual(fillHeaders({ task: 't', id: 'i' }));
  expect(task.deliveryInfo).toEqual({ queue: 'q', exchange: 'e', routingKey: 'k', priority: 3, redelivered: true });
});
