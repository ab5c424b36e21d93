import { afterEach, describe, expect, test } from 'vitest';
import { Celery } from '../app/celery.ts';
import { resultFromJSON } from '../app/result-from-json.ts';
import { coreOf } from '../app/core.ts';
import { group } from '../canvas/group.ts';
import { IncompleteStream, TaskFailure, TaskRevokedError, TimeoutError } from '../errors.ts';
import { encoded } from '../protocol/json-text.ts';
import { newId } from '../kernel/ids.ts';
import { silentLogger } from '../kernel/logger.ts';
import type { AsyncResult, GroupResult, ResultMeta } from './result.ts';

const open: Celery[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});
function newApp(settings: object = {}): Celery {
  const name = newId();
  const app = new Celery('t', { broker: `memory://${name}`, backend: `memory://${name}`, log: silentLogger, ...settings });
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
const handle = (app: Celery, json: unknown): AsyncResult<unknown> => resultFromJSON(json as never, app);
const list = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

describe('a result', () => {
  // features: 5-011
  test('must have an id', () => {
    const app = newApp();
    expect(app.AsyncResult('a').id).toBe('a');
    expect(() => app.AsyncResult('')).toThrow(TypeError);
    expect(() => app.AsyncResult(undefined as never)).toThrow(TypeError);
  });

  // features: 5-001 5-004 5-005 5-006 5-010 5-013 5-014 5-016 5-017 5-018 5-022
  test.each([
    ['SUCCESS', 4, [true, true, false]],
    ['FAILURE', failure, [true, false, true]],
    ['REVOKED', { exc_type: 'TaskRevokedError', exc_message: ['terminated'], exc_module: 'celery.exceptions' }, [true, false, false]],
    ['RETRY', failure, [false, false, false]],
    ['STARTED', { pid: 1, hostname: 'h' }, [false, false, false]],
    ['PROGRESS', { done: 1 }, [false, false, false]],
  ])('that is %s says so', async (state, stored, flags) => {
    const app = newApp();
    await app.backend.save(meta('a', state, stored, { traceback: 'Traceback' }));
    const result = app.AsyncResult('a');
    expect(await result.state()).toBe(state);
    expect([await result.ready(), await result.successful(), await result.failed()]).toEqual(flags);
    expect(await result.traceback()).toBe('Traceback');
    const info = await result.info();
    if (['FAILURE', 'REVOKED', 'RETRY'].includes(state)) expect(info).toBeInstanceOf(Error);
    else expect(info).toEqual(stored);
    expect((await result.meta()).dateDone instanceof Date).toBe(flags[0]);
  });

  // features: 5-036
  test('is its id as text', () => {
    expect(`${newApp().AsyncResult('a') as unknown as string}`).toBe('a');
  });

  // features: 5-012
  test('of an ended step that let nothing follow is that step’s error, unless only its own end counts', async () => {
    const app = newApp();
    const result = handle(app, [['c', [['b', [['a', null], null]], null]], null]);
    await app.backend.save(meta('a', 'FAILURE', failure));
    await expect(result.get({ timeout: 5 })).rejects.toThrow('k');
    expect(await result.get({ timeout: 5, propagate: false })).toBeInstanceOf(TaskFailure);
    await expect(result.get({ timeout: 0, followParents: false })).rejects.toThrow(TimeoutError);
    // What comes of it later all the same is what counts from then on.
    await app.backend.save(meta('c', 'SUCCESS', 3));
    expect(await handle(app, result.toJSON()).get({ timeout: 5, followParents: false })).toBe(3);
  });

  // features: 5-012
  test('tells its value to a callback, and what is heard on the way', async () => {
    const app = newApp();
    const heard: string[] = [];
    const told: unknown[] = [];
    const waiting = app.AsyncResult('a').get({ timeout: 10, onMessage: ({ status }) => heard.push(status), callback: (id, value) => told.push([id, value]) });
    await app.backend.save(meta('a', 'PROGRESS', { done: 1 }));
    await expect.poll(() => heard).toContain('PROGRESS');
    await app.backend.save(meta('a', 'SUCCESS', 4));
    expect(await waiting).toBe(4);
    expect([heard.at(-1), told]).toEqual(['SUCCESS', [['a', 4]]]);
    await app.backend.save(meta('b', 'FAILURE', failure));
    await app.AsyncResult('b').get({ propagate: false, callback: (_, value) => told.push(value) });
    expect(told[1]).toBeInstanceOf(TaskFailure);
  });

  // features: 5-012 5-099
  test('that comes after a wait was given up is there for the next one', async () => {
    const app = newApp();
    const result = app.AsyncResult('a');
    await expect(result.get({ timeout: 0.01 })).rejects.toThrow(TimeoutError);
    const stop = new AbortController();
    const waiting = result.get({ signal: stop.signal });
    stop.abort(new Error('not interested'));
    await expect(waiting).rejects.toThrow('not interested');
    await app.backend.save(meta('a', 'SUCCESS', 1));
    expect(await result.get({ timeout: 0 })).toBe(1);
  });

  // features: 5-012
  test('that is ready wins over a timeout that is used up', async () => {
    const app = newApp();
    await app.backend.save(meta('a', 'SUCCESS', 1));
    expect(await handle(app, [['a', [['before', null], null]], null]).get({ timeout: 0 })).toBe(1);
  });

  // features: 5-023
  test('that was not asked for is null at once', async () => {
    const app = newApp();
    const add = app.task('t.add', (x: number) => x);
    const result = await add.applyAsync([1], { ignoreResult: true });
    expect([result.ignored, await result.get()]).toEqual([true, null]);
  });

  // features: 5-024 5-019 5-020
  test('is forgotten with those before it, and read again', async () => {
    const app = newApp();
    const result = handle(app, [['b', [['a', null], null]], null]);
    await app.backend.save(meta('a', 'SUCCESS', 1));
    await app.backend.save(meta('b', 'SUCCESS', 2));
    expect([await result.get(), result.parent?.id, await result.children()]).toEqual([2, 'a', []]);
    await result.forget();
    expect([await result.exists(), await app.AsyncResult('a').exists(), await result.state()]).toEqual([false, false, 'PENDING']);
  });

  // features: 5-033 5-034
  test('is written as Celery’s tuple, and read again from it', () => {
    const app = newApp();
    const tuple = [
      [
        'c',
        [
          ['g', null],
          [
            [['a', null], null],
            [['b', null], null],
          ],
        ],
      ],
      null,
    ];
    const result = handle(app, tuple);
    expect([result.toJSON(), result.asList()]).toEqual([tuple, ['c', 'g']]);
    expect((result.parent as GroupResult<unknown[]>).results.map((one) => one.id)).toEqual(['a', 'b']);
    expect(handle(app, 'bare').id).toBe('bare');
    expect((handle(app, [['empty', null], []]) as GroupResult<[]>).length).toBe(0);
    for (const wrong of [7, null, {}, [[1, null], null]]) expect(() => handle(app, wrong)).toThrow(TypeError);
    expect(() => resultFromJSON('a')).toThrow('give it the app');
  });
});

describe('what a result has started', () => {
  // features: 5-028 5-029 5-030 5-019
  test('is walked breadth first, with values or without', async () => {
    const app = newApp();
    const backend = await coreOf(app).backend();
    const store = (task_id: string, result: number, children: readonly string[]): Promise<void> =>
      backend.save({
        task_id,
        status: 'SUCCESS',
        result: encoded(result),
        traceback: null,
        date_done: null,
        children: children.map((id) => [[id, null], null]),
      });
    await store('root', 1, ['left', 'right']);
    await store('left', 2, ['leaf']);
    await store('right', 3, []);
    await store('leaf', 4, []);
    const root = app.AsyncResult('root');
    expect((await list(root.collect())).map(([one, value]) => [one.id, value])).toEqual([
      ['root', 1],
      ['left', 2],
      ['right', 3],
      ['leaf', 4],
    ]);
    expect((await list(root.iterdeps())).map(([parent, one]) => [parent?.id, one.id])).toEqual([
      [undefined, 'root'],
      ['root', 'left'],
      ['root', 'right'],
      ['left', 'leaf'],
    ]);
    expect(await root.getLeaf()).toBe(4);
    expect((await root.graph()).edges).toEqual([
      ['root', 'left'],
      ['root', 'right'],
      ['left', 'leaf'],
    ]);
  });

  // features: 5-029
  test('is not known while it has not ended', async () => {
    const app = newApp();
    await expect(list(app.AsyncResult('nobody').iterdeps())).rejects.toThrow(IncompleteStream);
    expect(await list(app.AsyncResult('nobody').iterdeps({ intermediate: true }))).toHaveLength(1);
    expect(await list(app.AsyncResult('nobody').collect({ intermediate: true }))).toEqual([[expect.objectContaining({ id: 'nobody' }), null]]);
  });

  // features: 5-031 4-125
  test('is drawn with states, from the first step that is known', async () => {
    const app = newApp();
    await app.backend.save(meta('a', 'SUCCESS', 1, { name: 't.part' }));
    await app.backend.save(meta('b', 'FAILURE', failure, { name: 't."part"' }));
    const graph = await handle(app, [
      [
        'body',
        [
          ['g', null],
          [
            [['a', null], null],
            [['b', null], null],
          ],
        ],
      ],
      null,
    ]).graph();
    expect(graph.nodes).toEqual([
      { id: 'body', label: 'body', state: 'PENDING' },
      { id: 'g', label: 'group', state: null },
      { id: 'a', label: 't.part', state: 'SUCCESS' },
      { id: 'b', label: 't."part"', state: 'FAILURE' },
    ]);
    expect(graph.edges).toEqual([
      ['a', 'body'],
      ['b', 'body'],
      ['g', 'a'],
      ['g', 'b'],
    ]);
    expect(graph.toDot()).toContain('"b" [label="t.\\"part\\"\\nFAILURE", shape=box, style=filled');
    expect(graph.toDot()).toContain('"a" -> "body";');
    expect(graph.toMermaid()).toBe(
      [
        'flowchart TD',
        '  n0["body<br/>PENDING"]:::state0',
        '  n1(["group"])',
        '  n2["t.part<br/>SUCCESS"]:::state1',
        '  n3["t.&quot;part&quot;<br/>FAILURE"]:::state2',
        '  n2 --> n0',
        '  n3 --> n0',
        '  n1 --> n2',
        '  n1 --> n3',
        '  classDef state0 fill:#eeeeee',
        '  classDef state1 fill:#c8e6c9',
        '  classDef state2 fill:#f5b7b1',
        '',
      ].join('\n'),
    );
  });
});

describe('several results', () => {
  const nested = [
    ['g', null],
    [
      [['a', null], null],
      [
        ['inner', null],
        [
          [['b', null], null],
          [['c', null], null],
        ],
      ],
      [['d', null], null],
    ],
  ];

  // features: 5-052 5-051 5-045
  test('come as they end, groups among them when their last member has', async () => {
    const app = newApp();
    const result = handle(app, nested) as GroupResult<unknown[]>;
    const order: unknown[] = [];
    const heard = (async () => {
      for await (const { index, value } of result) order.push([index, value]);
    })();
    for (const id of ['c', 'd', 'b', 'a']) {
      await app.backend.save(meta(id, 'SUCCESS', id));
      if (id === 'd') await expect.poll(() => order.length, { timeout: 10_000 }).toBe(1);
      if (id === 'b') await expect.poll(() => order.length, { timeout: 10_000 }).toBe(2);
    }
    await heard;
    expect(order).toEqual([
      [2, 'd'],
      [1, ['b', 'c']],
      [0, 'a'],
    ]);
    expect([await result.get(), await result.completedCount()]).toEqual([['a', ['b', 'c'], 'd'], 4]);
  });

  // features: 5-049 5-050 5-046
  test('end with the first failure of any kind, of steps before a member too', async () => {
    const app = newApp();
    const revoked = { exc_type: 'TaskRevokedError', exc_message: ['terminated'], exc_module: 'celery.exceptions' };
    const waiting = handle(app, nested).get({ timeout: 10 });
    await app.backend.save(meta('c', 'REVOKED', revoked));
    await expect(waiting).rejects.toThrow(TaskRevokedError);
    const chained = handle(app, [
      ['g', null],
      [
        [['y', [['x', null], null]], null],
        [['z', null], null],
      ],
    ]);
    const stopped = chained.get({ timeout: 10 });
    await app.backend.save(meta('x', 'FAILURE', failure));
    await expect(stopped).rejects.toThrow('k');
  });

  // features: 5-050
  test('tell each value to a callback as it comes', async () => {
    const app = newApp();
    const told: unknown[] = [];
    const set = app.ResultSet([app.AsyncResult('a'), app.AsyncResult('b')]);
    const waiting = set.join({ timeout: 10, callback: (id, value) => told.push([id, value]) });
    await app.backend.save(meta('b', 'SUCCESS', 2));
    await expect.poll(() => told, { timeout: 10_000 }).toEqual([['b', 2]]);
    await app.backend.save(meta('a', 'SUCCESS', 1));
    expect([await waiting, told.length]).toEqual([[1, 2], 2]);
  });

  // features: 5-038 5-039 5-040 5-054 5-055
  test('are a set', async () => {
    const app = newApp();
    const [a, b] = [app.AsyncResult<number>('a'), app.AsyncResult<number>('b')];
    const set = app.ResultSet([a]);
    set.add(a);
    set.update([a, b, b]);
    expect(set.results.map((one) => one.id)).toEqual(['a', 'b']);
    set.discard('zzz');
    set.discard(a);
    expect(() => set.remove(a)).toThrow(RangeError);
    set.remove('b');
    expect([set.length, await set.get(), await set.ready(), await set.successful()]).toEqual([0, [], true, true]);
    set.update([a, b]);
    set.clear();
    expect(set.length).toBe(0);
  });

  // features: 5-041 5-042 5-043 5-044 5-047
  test('say how far they are', async () => {
    const app = newApp();
    const set = app.ResultSet([app.AsyncResult('a'), app.AsyncResult('b')]);
    const said = async (): Promise<boolean[]> => [await set.waiting(), await set.ready(), await set.successful(), await set.failed()];
    expect(await said()).toEqual([true, false, false, false]);
    await app.backend.save(meta('a', 'SUCCESS', 1));
    await app.backend.save(meta('b', 'FAILURE', failure));
    expect(await said()).toEqual([false, true, false, true]);
    await set.forget();
    expect(await said()).toEqual([true, false, false, false]);
  });

  // features: 5-025 5-048 5-026
  test('are revoked by one broadcast, members of groups in it too; or by their stamps', async () => {
    const app = newApp();
    const { Worker } = await import('../worker/worker.ts');
    const ran: number[] = [];
    const hold = app.task('t.hold', (x: number) => void ran.push(x));
    await using worker = new Worker(app, { hostname: 'w@test', pool: 'solo' });
    await worker.start();
    const result = await group([hold.s(1), hold.s(2)]).applyAsync([], { countdown: 30 });
    await result.revoke({ wait: true });
    for (const one of result.results) await expect.poll(() => one.state(), { timeout: 20_000 }).toBe('REVOKED');
    const stamped = await hold.applyAsync([3], { countdown: 2, stamps: { tenant: 'acme' } });
    await stamped.revokeByStampedHeaders({ tenant: 'acme' }, { wait: true });
    await expect.poll(() => stamped.state(), { timeout: 20_000 }).toBe('REVOKED');
    expect(ran).toEqual([]);
  });

  test('tell each state of each member', async () => {
    const app = newApp();
    const updates = (async () => list(handle(app, nested).updates({ timeout: 20 })))();
    for (const id of ['a', 'b', 'c']) await app.backend.save(meta(id, 'SUCCESS', id));
    await app.backend.save(meta('d', 'FAILURE', failure));
    expect(await updates).toEqual(
      expect.arrayContaining([
        { state: 'SUCCESS', info: { id: 'b', info: 'b' } },
        { state: 'FAILURE', info: { id: 'd', info: expect.any(TaskFailure) } },
      ]),
    );
  });
});

describe('what was run here and now', () => {
  test('is ready, and may be revoked', async () => {
    const app = newApp();
    const add = app.task('t.add', (x: number, y: number) => x + y);
    const result = await add.apply([2, 2]);
    const told: unknown[] = [];
    expect([await result.get({ callback: (_, value) => told.push(value) }), told, await result.ready(), await result.getLeaf()]).toEqual([4, [4], true, 4]);
    expect([result.toJSON(), result.asList(), (await list(result.iterdeps())).length]).toEqual([[[result.id, null], null], [result.id], 1]);
    await result.forget();
    await result.revoke();
    expect(await result.state()).toBe('REVOKED');
    await expect(result.get()).rejects.toThrow(TaskRevokedError);
  });
});

describe('the store', () => {
  // features: 5-065
  test('is not asked again for a success, where resultCacheMax says so', async () => {
    const app = newApp({ resultCacheMax: 2 });
    for (const id of ['a', 'b', 'c']) await app.backend.save(meta(id, 'SUCCESS', id));
    for (const id of ['a', 'b', 'c']) await app.AsyncResult(id).get({ timeout: 5 });
    const other = new Celery('u', { broker: app.conf.brokerUrl as string, backend: app.conf.resultBackend!, log: silentLogger });
    open.push(other);
    for (const id of ['a', 'b', 'c']) await other.AsyncResult(id).forget();
    // The oldest was crowded out.
    expect(await Promise.all(['a', 'b', 'c'].map((id) => app.AsyncResult(id).state()))).toEqual(['PENDING', 'SUCCESS', 'SUCCESS']);
    await app.AsyncResult('b').forget();
    expect(await app.AsyncResult('b').state()).toBe('PENDING');
  });
});
