import { expect, test } from 'vitest';
import { InvalidTaskError } from '../errors.ts';
import type { Json, JsonObject, Value } from './json.ts';
import { encodeTaskBody, endsHere, fillHeaders, readTaskBody, receiveTask, taskBodyValue } from './task-message.ts';
import type { WireMessage } from './wire-message.ts';

const source = (headers: JsonObject, priority?: number) => ({
  message: {
    body: { text: '' },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    headers,
    properties: priority === undefined ? {} : { priority },
  } satisfies WireMessage,
  queue: 'q',
  exchange: 'e',
  routingKey: 'k',
  redelivered: true,
});
const untouched = (): never => {
  throw new Error('the body must not be read');
};
const receive = (headers: JsonObject, body?: Value) =>
  receiveTask(source(headers), body === undefined ? untouched : () => body) as Exclude<ReturnType<typeof receiveTask>, Promise<unknown>>;

test('a complete message is taken as it is, and its body is read once, when asked for', () => {
  const headers = fillHeaders({ task: 'a.b', id: 'x' });
  let reads = 0;
  const task = receiveTask(source(headers, 5), () => {
    reads += 1;
    return [[1], { k: 2 }, { callbacks: null, errbacks: null, chain: null, chord: null }];
  });
  if (task instanceof Promise) throw new Error('not at once');
  expect(task.headers).toBe(headers);
  expect(task.deliveryInfo).toEqual({ exchange: 'e', routingKey: 'k', queue: 'q', priority: 5, redelivered: true });
  expect(reads).toBe(0);
  expect(task.body()).toBe(task.body());
  expect(reads).toBe(1);
});

test('what is missing is filled in, what is foreign stays', () => {
  expect(receive({ task: 'a', id: 'x', timelimit: null, retries: null, stamps: null, eta: '2030-01-02T03:04:05', 'x-trace': [1] }).headers).toEqual({
    ...fillHeaders({ task: 'a', id: 'x' }),
    eta: '2030-01-02T03:04:05',
    'x-trace': [1],
  });
});

test('a root that is null stays null, one that is missing is the task itself', () => {
  expect(receive({ task: 'a', id: 'x', root_id: null }).headers.root_id).toBeNull();
  expect(receive({ task: 'a', id: 'x' }).headers.root_id).toBe('x');
});

test('moments may be typed values, numbers, and texts in any form of ISO 8601', () => {
  const eta = (value: Json): string | null => receive({ task: 'a', id: 'x', eta: value }).headers.eta;
  expect(eta({ __type__: 'datetime', __value__: '2030-01-02T03:04:05' })).toBe('2030-01-02T03:04:05');
  expect(eta(0)).toBe('1970-01-01T00:00:00.000000+00:00');
  expect(eta('20300102T030405Z')).toBe('20300102T030405Z');
});

test.each<JsonObject>([
  { task: 'a' },
  { task: 'a', id: 5 },
  { task: '', id: 'x' },
  { task: 5, id: 'x' },
  { task: 'a', id: 'x', eta: 'soon' },
  { task: 'a', id: 'x', expires: '2030-02-30T00:00:00' },
  { task: 'a', id: 'x', retries: 'often' },
  { task: 'a', id: 'x', timelimit: [1, 'x'] },
  { task: 'a', id: 'x', group: 7 },
  { task: 'a', id: 'x', stamped_headers: 'tag' },
])('the headers %j are no task', (headers) => {
  expect(() => receive(headers)).toThrow(InvalidTaskError);
});

test('protocol 1 is known by its body', () => {
  const task = receive(
    {},
    {
      task: 'a',
      id: 'x',
      args: [1],
      kwargs: { k: 2 },
      retries: 3,
      taskset: 'g',
      eta: '2030-01-02T03:04:05',
      utc: true,
      callbacks: [{ task: 'b' }],
      timelimit: [1, 2],
    },
  );
  expect(task.headers).toMatchObject({
    task: 'a',
    id: 'x',
    retries: 3,
    group: 'g',
    root_id: null,
    parent_id: null,
    eta: '2030-01-02T03:04:05',
    timelimit: [1, 2],
  });
  expect(task.body()).toMatchObject({
    args: [1],
    kwargs: { k: 2 },
    embed: { callbacks: [{ task: 'b', args: [], options: {} }], errbacks: null, chain: null, chord: null },
  });
});

test('protocol 1 times of another zone than UTC are those of this machine', () => {
  const { eta } = receive({}, { task: 'a', id: 'x', args: [], kwargs: {}, utc: false, eta: '2030-01-02T03:04:05' }).headers;
  expect(Date.parse(eta!)).toBe(new Date(2030, 0, 2, 3, 4, 5).getTime());
});

test.each<Value>([null, 1, 'x', [[1], {}, {}], { no: 'task' }])('headers without a task and the body %j are no task', (body) => {
  expect(() => receive({}, body)).toThrow(InvalidTaskError);
});

test('a decoder that takes its time is waited for', async () => {
  const task = await receiveTask(source({}), async () => ({ task: 'a', id: 'x', args: [1] }));
  expect((await task.body()).args).toEqual([1]);
});

test.each<[Value, readonly Value[], object]>([
  [[[1], { a: 2 }, {}], [1], { a: 2 }],
  [[[1], { a: 2 }], [1], { a: 2 }],
  [[[1], null, null], [1], {}],
  [[], [], {}],
  [{ args: [1], kwargs: { a: 2 } }, [1], { a: 2 }],
])('the careless body %j is read', (body, args, kwargs) => {
  expect(readTaskBody(body)).toEqual({ args, kwargs, embed: { callbacks: null, errbacks: null, chain: null, chord: null } });
});

test.each<Value>([null, 'x', {}, [1], [[], [], {}], [[], {}, []], [[], {}, { chain: [{ args: [] }] }], [[], {}, { chord: 5 }], [[], {}, { callbacks: [1] }]])(
  'the body %j is refused',
  (body) => {
    expect(() => readTaskBody(body)).toThrow(InvalidTaskError);
  },
);

test('a body is written as Celery writes it, and read back', () => {
  const bare = readTaskBody([[1], { a: 'é' }, {}]);
  expect(encodeTaskBody(bare)).toBe('[[1],{"a":"é"},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]');
  expect(endsHere(bare.embed)).toBe(true);
  const full = readTaskBody([[], {}, { callbacks: [{ task: 'b', more: 1 }], chain: [], chord: { task: 'c', immutable: true } }]);
  expect(endsHere(full.embed)).toBe(false);
  expect(readTaskBody(JSON.parse(encodeTaskBody(full)) as Value)).toEqual(full);
  expect(JSON.parse(encodeTaskBody(full))).toEqual(JSON.parse(JSON.stringify(taskBodyValue(full))));
  expect(full.embed.callbacks![0]).toEqual({ task: 'b', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false, more: 1 });
  expect(Object.isFrozen(full.embed.callbacks![0])).toBe(true);
});
