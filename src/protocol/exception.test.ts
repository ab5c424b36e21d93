import { expect, test } from 'vitest';
import { ChordError, Ignore, MaxRetriesExceededError, Retry, SoftTimeLimitExceeded, TaskFailure, TaskRevokedError, WorkerLostError } from '../errors.ts';
import { ErrorNames } from './exception.ts';

const names = new ErrorNames();
class TooSlow extends Error {
  readonly seconds: number;

  constructor(message: string, seconds: number) {
    super(message);
    this.seconds = seconds;
  }
}

test.each<[unknown, string | null, string]>([
  [new Error('x'), 'builtins', 'Exception'],
  [new TypeError('x'), 'builtins', 'TypeError'],
  [new RangeError('x'), 'builtins', 'ValueError'],
  [new SyntaxError('x'), 'builtins', 'SyntaxError'],
  [new SoftTimeLimitExceeded('x'), 'billiard.exceptions', 'SoftTimeLimitExceeded'],
  [new WorkerLostError('x'), 'billiard.exceptions', 'WorkerLostError'],
  [new TaskRevokedError('x'), 'celery.exceptions', 'TaskRevokedError'],
  [new MaxRetriesExceededError('x'), 'celery.exceptions', 'MaxRetriesExceededError'],
  [new ChordError('x'), 'celery.exceptions', 'ChordError'],
  [new Ignore('x'), 'celery.exceptions', 'Ignore'],
  [new TooSlow('x', 3), null, 'TooSlow'],
  ['x', 'builtins', 'Exception'],
])('%s is %s.%s in Python', (error, exc_module, exc_type) => {
  expect(names.toData(error)).toMatchObject({ exc_module, exc_type, exc_message: ['x'], repr: `${exc_type}('x')` });
});

test('a class of the user has the name and the arguments that it was registered with, both ways', () => {
  const own = new ErrorNames();
  own.register(TooSlow, 'shop.errors.TooSlow', {
    toArgs: (error) => [error.message, error.seconds],
    fromArgs: (message, seconds) => new TooSlow(String(message), Number(seconds)),
  });
  const data = own.toData(new TooSlow('slow', 3), { traceback: 'T' });
  expect(data).toEqual({ exc_type: 'TooSlow', exc_module: 'shop.errors', exc_message: ['slow', 3], traceback: 'T', repr: "TooSlow('slow', 3)" });
  const error = own.fromData(data, 'T') as TooSlow;
  expect(error).toBeInstanceOf(TooSlow);
  expect([error.message, error.seconds]).toEqual(['slow', 3]);
  expect((error.cause as TaskFailure).traceback).toBe('T');
  expect(names.fromData(data, null)).toBeInstanceOf(TaskFailure);
});

test('a class inside a class is split where Python splits it', () => {
  const own = new ErrorNames();
  own.register(TooSlow, 'shop.errors.Order.TooSlow');
  expect(own.toData(new TooSlow('x', 1))).toMatchObject({ exc_module: 'shop.errors', exc_type: 'Order.TooSlow' });
});

test('a failure of Python keeps its name, arguments and traceback, and can be raised again', () => {
  const map = { exc_type: 'CustomError', exc_message: ['a', { k: 1 }], exc_module: 'capapp' };
  const error = names.fromData(map, 'Traceback …\n') as TaskFailure;
  expect(error).toMatchObject({
    name: 'TaskFailure',
    code: 'TASK_FAILURE',
    type: 'CustomError',
    module: 'capapp',
    args: ['a', { k: 1 }],
    message: "('a', {'k': 1})",
    traceback: 'Traceback …\n',
  });
  expect(names.toData(error)).toMatchObject({ ...map, traceback: 'Traceback …\n' });
});

test.each([
  [['boom'], 'boom'],
  ['boom', 'boom'],
  [[], 'KeyError'],
  [[5], '5'],
  [null, 'KeyError'],
])('the arguments %j read as %s', (exc_message, message) => {
  expect(names.fromData({ exc_type: 'KeyError', exc_message, exc_module: 'builtins' }, null).message).toBe(message);
});

test('our own errors arrive as themselves; control flow does not', () => {
  const revoked = names.fromData({ exc_type: 'TaskRevokedError', exc_message: ['expired'], exc_module: 'celery.exceptions' }, null);
  expect(revoked).toBeInstanceOf(TaskRevokedError);
  expect(revoked.message).toBe('expired');
  expect(names.fromData(names.toData(new Retry()), null)).toBeInstanceOf(TaskFailure);
  expect(names.fromData({ exc_type: 'Odd', exc_message: ['x'], exc_module: null }, null)).toMatchObject({ type: 'Odd', module: '' });
});

test('a constructor that throws does not hide the failure', () => {
  const own = new ErrorNames();
  own.register(TooSlow, 'x.TooSlow', {
    fromArgs: () => {
      throw new Error('no');
    },
  });
  expect(own.fromData({ exc_type: 'TooSlow', exc_message: ['m'], exc_module: 'x' }, null)).toMatchObject({ type: 'TooSlow', message: 'm' });
});

test('arguments that cannot travel are shown instead, one by one', () => {
  const own = new ErrorNames();
  own.register(TooSlow, 'x.TooSlow', { toArgs: () => ['x', (() => 1) as never, new Date(0) as never, Number.NaN] });
  expect(own.toData(new TooSlow('', 1)).exc_message).toEqual(['x', '<function >', { __type__: 'datetime', __value__: '1970-01-01T00:00:00.000+00:00' }, 'nan']);
});

test('the traceback is told as Python tells it: causes first, the most recent call last', () => {
  function inner(): never {
    throw new RangeError('too far');
  }
  function outer(): never {
    try {
      inner();
    } catch (cause) {
      throw new Error('failed', { cause });
    }
  }
  let traceback = '';
  try {
    outer();
  } catch (error) {
    traceback = names.toData(error).traceback!;
  }
  const [first, second] = traceback.split('\nThe above exception was the direct cause of the following exception:\n\n');
  expect(first).toMatch(
    /^Traceback \(most recent call last\):\n[^]* {2}File ".*exception\.test\.ts", line \d+, in outer\n {2}File ".*", line \d+, in inner\nbuiltins\.ValueError: too far\n$/,
  );
  expect(second).toMatch(/in outer\nbuiltins\.Exception: failed\n$/);
  expect(traceback).not.toContain('node:internal');
});

test('causes in a circle come to an end', () => {
  const error = new Error('round');
  error.cause = error;
  expect(names.toData(error).traceback!.length).toBeLessThan(50_000);
});

test('errors match by class, by full Python name, and by name alone', () => {
  const failure = new TaskFailure('x', { type: 'ConnectionError', module: 'requests.exceptions', args: [], traceback: null });
  expect(names.matches(failure, 'requests.exceptions.ConnectionError')).toBe(true);
  expect(names.matches(failure, 'ConnectionError')).toBe(true);
  expect(names.matches(failure, 'builtins.ConnectionError')).toBe(false);
  expect(names.matches(new RangeError('x'), 'builtins.ValueError')).toBe(true);
  expect(names.matches(new RangeError('x'), RangeError)).toBe(true);
  expect(names.matches(new RangeError('x'), Error)).toBe(true);
  expect(names.matches(new TaskFailure('x', { type: 'ValueError', module: 'builtins', args: [], traceback: null }), RangeError)).toBe(true);
  expect(names.matches(failure, RangeError)).toBe(false);
});

test('a task that no worker knew is told as that, without frames of ours, and goes on under the name that came', () => {
  const error = names.fromData({ exc_type: 'NotRegistered', exc_message: ['proj.lost'], exc_module: 'celery.exceptions' }, null);
  expect(error.message).toContain('no task "proj.lost" is known to the worker that took it');
  for (const one of [error, error.cause as Error]) expect(one.stack).not.toContain('src/protocol/exception.ts');
  expect(names.toData(error, { traceback: null })).toMatchObject({ exc_type: 'NotRegistered', exc_message: ['proj.lost'], exc_module: 'celery.exceptions' });
});
