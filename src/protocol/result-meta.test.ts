import { expect, test } from 'vitest';
import { DecodeError } from '../errors.ts';
import { encodedText } from './json-text.ts';
import { encodeMeta, metaValue, readMeta } from './result-meta.ts';
import { isFinal } from './states.ts';

const meta = { task_id: 't', status: 'SUCCESS', result: encodedText('{"n": 1.50}'), traceback: null, children: [], date_done: null } as const;

test('the result is spliced in as it is, keys in the order of Celery', () => {
  expect(encodeMeta(meta)).toBe('{"status":"SUCCESS","result":{"n": 1.50},"traceback":null,"children":[],"date_done":null,"task_id":"t"}');
  expect(encodeMeta({ ...meta, group_id: 'g', parent_id: 'p', children: null, extended: { name: 'a"b', retries: 0, st: 'v', status: 'no' } })).toBe(
    '{"status":"SUCCESS","result":{"n": 1.50},"traceback":null,"children":null,"date_done":null,"group_id":"g","parent_id":"p","name":"a\\"b","retries":0,"st":"v","task_id":"t"}',
  );
});

test('what is read is written again', () => {
  const full = { ...meta, group_id: 'g', parent_id: 'p', extended: { name: 'a', args: [1] } };
  const read = readMeta(JSON.parse(encodeMeta(full)) as never);
  expect(encodeMeta(read)).toBe(encodeMeta({ ...full, result: encodedText('{"n":1.5}') }));
  expect(metaValue(read)).toEqual(JSON.parse(encodeMeta(full)));
});

test('careless metas are read, what is none is refused', () => {
  expect(readMeta({ task_id: 't', status: 'X' })).toMatchObject({ traceback: null, children: null, date_done: null });
  expect(readMeta({ task_id: 't', status: 'X' }).result.value()).toBeNull();
  expect(readMeta({ task_id: 't', status: 'X', date_done: new Date(0) }).date_done).toBe('1970-01-01T00:00:00.000000+00:00');
  for (const bad of [null, 1, [], { task_id: 't' }, { status: 'X' }]) expect(() => readMeta(bad)).toThrow(DecodeError);
});

test('three states are final', () => {
  expect(['SUCCESS', 'FAILURE', 'REVOKED', 'REJECTED', 'RETRY', 'PROGRESS', 'IGNORED'].filter(isFinal)).toEqual(['SUCCESS', 'FAILURE', 'REVOKED']);
});
