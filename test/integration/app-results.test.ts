import { afterEach, describe, expect, test } from 'vitest';
import { coreOf } from '../../src/app/core.ts';
import { withRun } from '../../src/execution/context.ts';
import { TaskRun } from '../../src/execution/run.ts';
import { Celery, chain, group, TaskFailure, TaskRevokedError, TimeoutError, type ResultMeta } from '../../src/index.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';

const open: Celery[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});
function newApp(): Celery {
  const name = newId();
  const app = new Celery('t', { broker: `memory://${name}`, backend: `memory://${name}`, log: silentLogger });
  open.push(app);
  return app;
}
const meta = (taskId: string, status: string, result: unknown, more: Partial<ResultMeta> = {}): ResultMeta => ({
  taskId,
  status,
  result,
  traceback: null,
  dateDone: new Date(Date.UTC(2026, 0, 1)),
  ...more,
});
const failure = { exc_type: 'KeyError', exc_message: ['k'], exc_module: 'builtins' };

describe('a result', () => {
  test('is pending until it is stored, and is then what was stored', async () => {
    const app = newApp();
    const result = app.AsyncResult<number>('a');
    expect([await result.state(), await result.ready(), await result.exists(), await result.info()]).toEqual(['PENDING', false, false, null]);
    const waiting = result.get({ timeout: 5 });
    await app.backend.save(meta('a', 'SUCCESS', 4, { parentId: 'p', groupId: 'g', name: 't.add', args: [2, 2], retries: 1, stamps: { tag: 'T' } }));
    expect(await waiting).toBe(4);
    expect(await app.AsyncResult('a').meta()).toEqual({
      taskId: 'a',
      status: 'SUCCESS',
      result: 4,
      traceback: null,
      dateDone: new Date(Date.UTC(2026, 0, 1)),
      parentId: 'p',
      groupId: 'g',
      name: 't.add',
      args: [2, 2],
      retries: 1,
      stamps: { tag: 'T' },
    });
    expect(await app.backend.load('a')).toMatchObject({ status: 'SUCCESS', result: 4 });
    await result.forget();
    expect(await result.exists()).toBe(false);
  });

  // features: 5-058 5-059
  test('of an error in Python is a TaskFailure with its type; of a class that was registered, that class', async () => {
    const app = newApp();
    await app.backend.save(meta('a', 'FAILURE', failure, { traceback: 'Traceback …' }));
    const error = await app.AsyncResult('a').get({ propagate: false });
    expect(error).toBeInstanceOf(TaskFailure);
    expect(error).toMatchObject({ type: 'KeyError', module: 'builtins', args: ['k'], traceback: 'Traceback …' });
    await expect(app.AsyncResult('a').get()).rejects.toThrow('k');
    class KeyError extends Error {}
    app.registerError(KeyError, 'builtins.KeyError');
    expect(await app.AsyncResult('a').info()).toBeInstanceOf(KeyError);
  });

  test('that does not come in time is a TimeoutError which says where it looked; 0 does not wait', async () => {
    const app = newApp();
    await expect(app.AsyncResult('a').get({ timeout: '20ms' })).rejects.toThrow(TimeoutError);
    await expect(app.AsyncResult('a').get({ timeout: 0 })).rejects.toThrow(/no result of task a within 0 s \(results are in memory:/);
    await app.backend.save(meta('a', 'SUCCESS', 1));
    expect(await app.AsyncResult('a').get({ timeout: 0 })).toBe(1);
  });

  test('may be given up with a signal', async () => {
    const app = newApp();
    const given = new AbortController();
    const waiting = app.AsyncResult('a').get({ signal: given.signal });
    given.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('of a chain ends with a step that was revoked', async () => {
    const app = newApp();
    const add = app.task('t.add', (x: number, y: number) => x + y);
    const last = await chain(add.s(1, 1), add.s(2), add.s(3)).delay();
    const waiting = last.get({ timeout: 5 });
    await app.backend.save(
      meta(last.parent!.parent!.id, 'REVOKED', { exc_type: 'TaskRevokedError', exc_message: ['revoked'], exc_module: 'celery.exceptions' }),
    );
    await expect(waiting).rejects.toThrow(TaskRevokedError);
  });

  // features: 5-060 5-033
  test('is not awaited by accident, and travels as its tuple', async () => {
    const app = newApp();
    expect('then' in app.AsyncResult('a')).toBe(false);
    expect(JSON.stringify(app.AsyncResult('a'))).toBe('[["a",null],null]');
    expect(() => app.AsyncResult('')).toThrow(/task id/);
  });

  test('tells each state on its way', async () => {
    const app = newApp();
    const states: unknown[] = [];
    const heard = (async () => {
      for await (const update of app.AsyncResult('a').updates({ timeout: 5 })) states.push(update);
    })();
    await app.backend.save(meta('a', 'PROGRESS', { done: 1 }));
    await expect.poll(() => states.length).toBe(1);
    await app.backend.save(meta('a', 'SUCCESS', 2));
    await heard;
    expect(states).toEqual([
      { state: 'PROGRESS', info: { done: 1 } },
      { state: 'SUCCESS', info: 2 },
    ]);
  });

  // features: 5-097
  test('must not be waited for inside a task whose slot may be the one that is needed', async () => {
    const app = newApp();
    const core = coreOf(app);
    const run = new TaskRun({ headers: { task: 't', id: 'x' } } as never, core.host);
    await app.backend.save(meta('a', 'SUCCESS', 1));
    core.setJoinBlocks(true);
    await withRun(run, async () => {
      await expect(app.AsyncResult('a').get()).rejects.toThrow(/never wait for a result inside a task/);
      expect(await app.AsyncResult('a').get({ disableSyncSubtasks: false })).toBe(1);
    });
    expect(await app.AsyncResult('a').get()).toBe(1);
  });
});

describe('the results of a group', () => {
  test('come in order, as they finish, and can be saved and found again', async () => {
    const app = newApp();
    const add = app.task('t.add', (x: number, y: number) => x + y);
    const result = await group([add.s(1, 1), add.s(2, 2)]).delay();
    const [first, second] = result.results;
    expect([await result.completedCount(), await result.waiting(), result.length]).toEqual([0, true, 2]);
    const order: unknown[] = [];
    const heard = (async () => {
      for await (const one of result) order.push(one);
    })();
    await app.backend.save(meta(second!.id, 'SUCCESS', 4));
    await expect.poll(() => order.length).toBe(1);
    await app.backend.save(meta(first!.id, 'SUCCESS', 2));
    await heard;
    expect(order).toEqual([
      { index: 1, id: second!.id, value: 4 },
      { index: 0, id: first!.id, value: 2 },
    ]);
    expect(await result.get({ timeout: 1 })).toEqual([2, 4]);
    await result.save();
    const restored = await app.GroupResult<number>(result.id);
    expect(await restored!.join({ timeout: 1 })).toEqual([2, 4]);
    await restored!.delete();
    expect(await app.GroupResult(result.id)).toBeNull();
  });

  test('end with the first failure, or hold errors in their places', async () => {
    const app = newApp();
    const set = app.ResultSet<number>([app.AsyncResult<number>('a'), app.AsyncResult<number>('b'), app.AsyncResult<number>('a')]);
    expect(set.length).toBe(2);
    const waiting = set.get({ timeout: 5 });
    await app.backend.save(meta('b', 'FAILURE', failure));
    await expect(waiting).rejects.toThrow('k');
    await app.backend.save(meta('a', 'SUCCESS', 1));
    expect(await set.get({ propagate: false })).toEqual([1, expect.any(TaskFailure)]);
    set.remove('b');
    expect(await set.get()).toEqual([1]);
    set.add(app.AsyncResult<number>('a'));
    expect(set.length).toBe(1);
    expect(() => set.remove('zzz')).toThrow(RangeError);
  });
});
