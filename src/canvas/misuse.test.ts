import { expect, test } from 'vitest';
import { Celery } from '../app/celery.ts';
import { chord } from './chord.ts';
import { group } from './group.ts';

/** As JavaScript would call them, where no compiler complains. */
const untyped = { chord, group } as unknown as Readonly<Record<'chord' | 'group', (...args: unknown[]) => (...args: unknown[]) => unknown>>;
const app = new Celery('x', { broker: 'memory://', backend: 'memory://' });
const add = app.task('x.add', (x: number, y: number) => x + y);

test('a chord whose body is given in a call of its own, as in Python, is told what to write', () => {
  expect(() => untyped.chord([add.s(1, 1)])(add.s(1))).toThrow('write chord([add.s(1, 1), add.s(2, 2)], total.s())');
});

test('a task, or a promise of a result, in place of a signature is told what to write', () => {
  expect(() => untyped.chord([add.s(1, 1)], add)).toThrow('write x.add.s(…)');
  const sent = Promise.resolve();
  expect(() => untyped.group(sent)).toThrow('what has been sent already (delay, applyAsync) cannot become part of a workflow');
});

test.each([-1, 256, 1.5, Number.NaN, '5'])('the priority %j is refused, where Redis would take another one silently and AMQP fail', async (priority) => {
  await expect(add.applyAsync([1, 2], { priority: priority as number })).rejects.toThrow('priority: expected a whole number from 0 to 9');
});

test.each([
  [{ queue: 5 }, 'queue: expected a name, or what has one, not 5'],
  [{ queue: {} }, 'queue: expected a name, or what has one, not {}'],
  [{ exchange: true }, 'exchange: expected a name'],
  [{ routingKey: 5 }, 'routingKey: expected a string, not 5'],
  [{ taskId: 5 }, 'taskId: expected a string'],
  [{ serializer: JSON }, 'serializer: expected a string'],
  [{ retry: 'no' }, 'retry: expected true or false, not "no"'],
  [{ ignoreResult: 1 }, 'ignoreResult: expected true or false'],
  [{ deliveryMode: 3 }, "deliveryMode: expected 'transient' or 'persistent', not 3"],
  [{ countdown: 'soon' }, 'countdown: expected seconds as a number'],
  [{ expires: 'later' }, 'expires: expected a Date'],
  [{ retryPolicy: { intervalMax: 'x' } }, 'intervalMax: expected seconds as a number'],
])('an option of a call of the wrong kind is refused: %j', async (options, words) => {
  await expect(add.applyAsync([1, 2], options as never)).rejects.toThrow(words);
});

test('a misspelled option of a call is told the nearest', async () => {
  await expect(add.applyAsync([1, 2], { countdwn: 1 } as never)).rejects.toThrow('did you mean "countdown"?');
});
