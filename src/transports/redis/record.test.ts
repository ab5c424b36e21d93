import { expect, test } from 'vitest';
import { markRedelivered, priorityOf, readOwnRecord, readRecord, recordSuffix } from './record.ts';

const envelope =
  '{"body": "W10=", "headers": {"n": 12345678901234567890, "x": 1.0}, "properties": {"delivery_info": {"exchange": "", "routing_key": "q"}, "priority": 6}}';

test('reads records of ours and of kombu, whatever is in the envelope', () => {
  expect(readRecord(`[${envelope}${recordSuffix('a"]b')}`)).toEqual({ envelope, exchange: '', routingKey: 'a"]b' });
  expect(readRecord(`[${envelope}, "topics", "a.b"]`)).toEqual({ envelope, exchange: 'topics', routingKey: 'a.b' });
  expect(readRecord(`[${envelope}, null, "q"]`)?.exchange).toBe('');
  expect(readRecord('[not json,"","q"]')).toBeUndefined();
  expect(readRecord('nothing')).toBeUndefined();
});

test.each([envelope, 'not json', '1, "", "other"]', ''])('finds the queue of a record of ours behind anything: %j', (text) => {
  const own = readOwnRecord(Buffer.from(`[${text}${recordSuffix('q"ü')}`));
  expect([own?.queue, own?.envelope.toString()]).toEqual(['q"ü', text]);
});

test('marks a message as redelivered in both places and changes no other character', () => {
  expect(markRedelivered(envelope)).toBe(
    envelope.replace('"headers": {', '"headers": {"redelivered":true,').replace('"delivery_info": {', '"delivery_info": {"redelivered":true,'),
  );
  expect(markRedelivered(markRedelivered(envelope))).toBe(markRedelivered(envelope));
});

test.each(['', 'not json', '[]', '{"headers": 1}', '{"headers": {'])('leaves alone what is no envelope: %j', (text) => {
  expect(markRedelivered(text)).toBe(text);
});

test('knows the priority of an envelope', () => {
  expect(priorityOf(envelope)).toBe(6);
  expect(priorityOf('not json')).toBeUndefined();
});
