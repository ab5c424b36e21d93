import { describe, expect, test } from 'vitest';
import { ChordError } from '../errors.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { chain } from './chain.ts';
import { chord } from './chord.ts';
import { compile, type CompileContext, type Plan } from './compile.ts';
import { group } from './group.ts';
import { signature } from './by-name.ts';
import type { ApplyOptions } from './call-options.ts';

/** Calls as the captures of Celery have them (spec/vectors/tasks/canvas_*.json), ids numbered in the order in which they are given out. */
const add = (...args: unknown[]) => signature<(...args: any[]) => any>('proj.add', { args }) as any;
const tsum = () => signature<(...args: any[]) => any>('proj.tsum') as any;

function compiled(what: { toJSON(): unknown }, more: Partial<CompileContext> = {}): Plan {
  const ids = { last: 0 };
  const context: CompileContext = { newId: () => `id${++ids.last}`, now: Date.UTC(2026, 0, 1), origin: 'gen1@host', chords: 'store', ...more };
  return compile(what.toJSON() as SignatureData, context);
}
const messages = (plan: Plan) =>
  plan.publish.map(({ message: { headers, args, kwargs, embed } }) => {
    const { task, id, group: groupId, group_index, root_id, parent_id } = headers;
    return { task, id, group: groupId, group_index, root_id, parent_id, args, kwargs, embed };
  });
const sig = (task: string, args: unknown[], options: object = {}) => ({ task, args, kwargs: {}, options, subtask_type: null, immutable: false });
const noEmbed = { callbacks: null, errbacks: null, chain: null, chord: null };
const root = (id: string) => ({ id, root_id: id, parent_id: null, kwargs: {} });

describe('one call', () => {
  // features: 4-001 4-014 4-019
  test('is one message, its own root', () => {
    const plan = compiled(add(2, 2));
    expect(messages(plan)).toEqual([{ task: 'proj.add', ...root('id1'), group: null, group_index: null, args: [2, 2], embed: noEmbed }]);
    expect(plan.publish[0]!.isPlain).toBe(true);
    expect(plan.result).toEqual({ id: 'id1', parent: null, children: null });
  });

  test('inside a task has that one as its parent, and its root', () => {
    const [message] = messages(compiled(add(1, 1), { parent: { id: 'parent', rootId: 'root', priority: null } }));
    expect(message).toMatchObject({ id: 'id1', root_id: 'root', parent_id: 'parent' });
  });

  const planned = (options: ApplyOptions, more: Partial<CompileContext> = {}) => compiled(add(1).set(options), more).publish[0]!;
  // features: 4-020
  test('says its options in headers, embed and route', () => {
    const { message, route } = planned({
      taskId: 'mine',
      countdown: '10s',
      expires: 60,
      timeLimit: 5,
      softTimeLimit: '500ms',
      ignoreResult: true,
      shadow: 'other',
      headers: { tenant: 'a' },
      stamps: { tag: 'T1' },
      queue: 'q',
      routingKey: 'key',
      priority: 4,
      deliveryMode: 'transient',
      serializer: 'yaml',
      compression: 'zlib',
      properties: { messageGroupId: 'g' },
      link: tsum(),
      linkError: [tsum()],
      replyTo: 'me',
      retryPolicy: { maxRetries: 1, intervalMax: '200ms' },
    });
    expect(message.headers).toMatchObject({
      id: 'mine',
      eta: '2026-01-01T00:00:10.000000+00:00',
      expires: '2026-01-01T00:01:00.000000+00:00',
      timelimit: [5, 0.5],
      ignore_result: true,
      shadow: 'other',
      tenant: 'a',
      stamped_headers: ['tag'],
      stamps: { tag: 'T1' },
      argsrepr: '(1,)',
      kwargsrepr: '{}',
    });
    expect(message.embed).toEqual({ ...noEmbed, callbacks: [sig('proj.tsum', [])], errbacks: [sig('proj.tsum', [])] });
    expect(route).toEqual({
      queue: 'q',
      routingKey: 'key',
      priority: 4,
      deliveryMode: 1,
      serializer: 'yaml',
      compression: 'zlib',
      properties: { messageGroupId: 'g' },
      replyTo: 'me',
      retryPolicy: { max_retries: 1, interval_max: 0.2 },
      notBeforeMs: Date.UTC(2026, 0, 1) + 10_000,
      expirationMs: 60_000,
    });
  });

  test('takes what it does not say from its task; null clears a limit', () => {
    const defaults = () => ({ options: { queue: 'own', priority: 1, expires: 30 }, timeLimit: 9, softTimeLimit: 8, ignoreResult: true });
    expect(planned({ priority: 5 }, { defaults })).toMatchObject({
      route: { queue: 'own', priority: 5, expirationMs: 30_000 },
      message: { headers: { timelimit: [9, 8], ignore_result: true } },
    });
    expect(planned({ timeLimit: null, ignoreResult: false }, { defaults }).message.headers).toMatchObject({ timelimit: [null, 8], ignore_result: false });
    expect(planned({}).message.headers).toMatchObject({ timelimit: [null, null], ignore_result: null });
  });

  test('refuses a soft limit above the hard one, and what is no moment', () => {
    expect(() => planned({ timeLimit: 1, softTimeLimit: 2 })).toThrow(RangeError);
    expect(() => planned({ eta: 'tomorrow' })).toThrow(/tomorrow/);
    expect(() => add(1).set({ countdwon: 1 })).toThrow(/"countdwon" is not an option/);
  });

  test('a moment of the past means now; one without a zone is UTC', () => {
    expect(planned({ eta: '2026-01-01T00:00:05' })).toMatchObject({
      message: { headers: { eta: '2026-01-01T00:00:05' } },
      route: { notBeforeMs: Date.UTC(2026, 0, 1, 0, 0, 5) },
    });
    expect(planned({ expires: new Date(0) }).route.expirationMs).toBe(0);
  });
});

describe('a chain', () => {
  // features: 4-002 4-062
  test('is its first step, the others inside it, the last of them first', () => {
    const plan = compiled(chain(add(1, 1), add(2), add(3)));
    const rest = [sig('proj.add', [3], { task_id: 'id3' }), sig('proj.add', [2], { task_id: 'id2' })];
    expect(messages(plan)).toEqual([{ task: 'proj.add', ...root('id1'), group: null, group_index: null, args: [1, 1], embed: { ...noEmbed, chain: rest } }]);
    expect(plan.result).toEqual({ id: 'id3', children: null, parent: { id: 'id2', children: null, parent: { id: 'id1', children: null, parent: null } } });
  });

  // features: 4-066 4-068
  test('options go to the first step, links to the last, errbacks to all', () => {
    const [message] = messages(compiled(chain(add(1, 1), add(2)).set({ queue: 'q', link: tsum(), linkError: add('oops') })));
    const errback = [sig('proj.add', ['oops'])];
    expect(message!.embed).toEqual({
      callbacks: null,
      errbacks: errback,
      chain: [sig('proj.add', [2], { task_id: 'id2', link: [sig('proj.tsum', [])], link_error: errback })],
      chord: null,
    });
    expect(compiled(chain(add(1, 1), add(2)).set({ queue: 'q' })).publish[0]!.route).toEqual({ queue: 'q' });
  });

  // features: 4-061 4-048
  test('chains in it are spliced, and empty groups left out', () => {
    const plan = compiled(chain([chain(add(1, 1), add(2)), group([]), add(3)] as never));
    expect(messages(plan)[0]!.embed.chain).toEqual([sig('proj.add', [3], { task_id: 'id3' }), sig('proj.add', [2], { task_id: 'id2' })]);
  });

  // features: 4-055 4-142
  test('a group before a step makes a chord of the two', () => {
    const plan = compiled(chain(add(1, 1), group([add(2), add(3)]) as never, tsum()));
    const [link] = messages(plan)[0]!.embed.chain!;
    expect(link).toMatchObject({ task: 'celery.chord', subtask_type: 'chord', kwargs: { header: { subtask_type: 'group' }, body: { task: 'proj.tsum' } } });
    expect(plan.chords).toEqual([]);
  });
});

describe('a group', () => {
  // features: 4-003 4-077 4-084
  test('is a message for each member, which is its own root', () => {
    const plan = compiled(group([add(1, 1), add(2, 2)]));
    expect(messages(plan)).toEqual([
      { task: 'proj.add', ...root('id2'), group: 'id1', group_index: 0, args: [1, 1], embed: noEmbed },
      { task: 'proj.add', ...root('id3'), group: 'id1', group_index: 1, args: [2, 2], embed: noEmbed },
    ]);
    expect(plan.result).toEqual({ id: 'id1', parent: null, children: ['id2', 'id3'].map((id) => ({ id, parent: null, children: null })) });
  });

  // features: 4-077
  test('in a group joins it: one list of results, each group counting its members from 0', () => {
    const plan = compiled(group([add(1, 1), group([add(2, 2), add(3, 3)])]));
    expect(messages(plan).map((message) => [message.group, message.group_index, message.args])).toEqual([
      ['id1', 0, [1, 1]],
      ['id1', 0, [2, 2]],
      ['id1', 1, [3, 3]],
    ]);
    expect(plan.result.children).toMatchObject([{ id: 'id2', children: null }, { id: 'id3' }, { id: 'id4' }]);
  });

  // features: 4-005 4-136 4-137
  test('of chunks has a starmap for so many items', () => {
    const data = {
      task: 'celery.chunks',
      args: [],
      kwargs: {
        task: sig('proj.add', []),
        it: [
          [1, 1],
          [2, 2],
          [3, 3],
        ],
        n: 2,
      },
      options: {},
      subtask_type: null,
      immutable: true,
    };
    const plan = compiled({ toJSON: () => data });
    expect(messages(plan).map(({ task, group_index, kwargs }) => [task, group_index, (kwargs as { it: unknown }).it])).toEqual([
      [
        'celery.starmap',
        0,
        [
          [1, 1],
          [2, 2],
        ],
      ],
      ['celery.starmap', 1, [[3, 3]]],
    ]);
    expect(plan.publish[0]!.route.name).toBe('proj.add');
  });

  // features: 4-075
  test('takes no callbacks', () => {
    expect(() => compiled(group([add(1, 1)]).set({ link: tsum() }))).toThrow(TypeError);
  });

  test('at the end of a chain in a header keeps its place in that header, chords in it too: should their own header fail, the outer chord hears of it', () => {
    const inner = chord([add(1, 1), add(2, 2)], tsum());
    const plan = compiled(chord([chain(add(1, 1), group([inner, add(3)])), add(4)], tsum()));
    const [last] = messages(plan)[0]!.embed.chain!;
    const parts = compiled({ toJSON: () => last! });
    expect(parts.chords[0]!.body.options).toMatchObject({ group_id: plan.chords[0]!.groupId, chord: { task: 'proj.tsum' } });
  });

  // features: 4-066
  test('at the end of a chain with links has them at each of its members, as Celery writes it', () => {
    const [message] = messages(compiled(chain(add(1, 1), group([add(2), add(3)])).link(tsum())));
    const [last] = message!.embed.chain!;
    expect(last!.options['link']).toEqual([sig('proj.tsum', [])]);
    expect(messages(compiled({ toJSON: () => last! })).map(({ embed }) => embed.callbacks)).toEqual([[sig('proj.tsum', [])], [sig('proj.tsum', [])]]);
  });
});

describe('a chord', () => {
  const body = (id: string, groupId: string) => sig('proj.tsum', [], { task_id: id, group_id: groupId });

  // features: 4-004 4-087 4-088 4-090 4-141
  test('is its header, each with the body inside, behind a barrier', () => {
    const plan = compiled(chord([add(1, 1), add(2, 2)], tsum()));
    const embed = { ...noEmbed, chord: body('id4', 'id1') };
    expect(messages(plan)).toEqual([
      { task: 'proj.add', ...root('id2'), group: 'id1', group_index: 0, args: [1, 1], embed },
      { task: 'proj.add', ...root('id3'), group: 'id1', group_index: 1, args: [2, 2], embed },
    ]);
    expect(plan.chords).toEqual([{ groupId: 'id1', size: 2, body: body('id4', 'id1') }]);
    expect(plan.result).toMatchObject({ id: 'id4', children: null, parent: { id: 'id1', children: [{ id: 'id2' }, { id: 'id3' }] } });
  });

  // features: 4-093 4-064
  test('a chain in its header is a part by its last step', () => {
    const plan = compiled(chord([chain(add(1, 1), add(2)), add(5, 5)], tsum()));
    const [first, second] = messages(plan);
    expect(first).toMatchObject({ group: null, group_index: null, embed: { chord: null } });
    const [last] = first!.embed.chain!;
    expect(last!.options).toEqual({ task_id: 'id3', group_id: 'id1', group_index: 0, chord: body('id5', 'id1') });
    expect(second).toMatchObject({ group: 'id1', group_index: 1 });
    expect(plan.chords[0]!.size).toBe(2);
  });

  // features: 4-093
  test('a chord in its header is a part by its body', () => {
    const plan = compiled(chord([chord([add(1, 1)], tsum()), add(5, 5)], tsum()));
    expect(plan.chords.map(({ groupId, size }) => [groupId, size])).toEqual([
      ['id1', 2],
      ['id2', 1],
    ]);
    expect(plan.chords[1]!.body.options).toEqual({
      task_id: 'id4',
      group_id: 'id1',
      group_index: 0,
      chord: body('id6', 'id1'),
      add_to_parent: false,
      root_id: null,
    });
  });

  // features: 4-094 4-089
  test('waits, and calls back, where it should: the header is delayed, links belong to the body', () => {
    const plan = compiled(chord([add(1, 1)], tsum()).set({ countdown: 10, link: add(7), linkError: add('oops') }));
    expect(plan.publish[0]!.message.headers.eta).toBe('2026-01-01T00:00:10.000000+00:00');
    expect(plan.publish[0]!.message.embed.callbacks).toBeNull();
    expect(plan.chords[0]!.body.options).toMatchObject({ link: [sig('proj.add', [7])], link_error: [sig('proj.add', ['oops'])] });
    expect(plan.chords[0]!.body.options).not.toHaveProperty('countdown');
  });

  test('tells an errback of a chain around it once, and one of its own of the chords in its header too', () => {
    const nested = () => chord([chord([add(1, 1)], tsum()), add(2)], tsum());
    const told = (what: { toJSON(): unknown }) =>
      messages(compiled(what)).map(({ embed: { chord: body } }) => (body!.options['link_error'] as unknown as SignatureData[] | undefined)?.[0]?.args[0]);
    expect(told(nested().onError(add('oops')))).toEqual(['oops', 'oops']);
    expect(told(chain(nested(), add(3)).onError(add('oops')) as never)).toEqual([undefined, 'oops']);
    const after = chain(add(0), chord([add(1)], nested())).onError(add('oops'));
    expect(JSON.stringify(compiled(after as never).publish[0]!.message.embed.chain).split('"oops"')).toHaveLength(2);
  });

  test('at the end of a chain takes up what follows, and the links of that chain stay its own; of others each step has its errbacks', () => {
    const before = (end: ReturnType<typeof tsum>) => JSON.parse(JSON.stringify(chain(add(0), end).onError(add('oops')).link(add(7)).pipe(add(9))));
    const [callbacks, errbacks] = [[sig('proj.add', [7])], [sig('proj.add', ['oops'])]];
    const taken = before(chord([add(1)], tsum()));
    expect(taken.options).toMatchObject({ link: callbacks, link_error: errbacks });
    expect(taken.kwargs.tasks[0].options).not.toHaveProperty('link_error');
    expect(taken.kwargs.tasks[1].kwargs.body.kwargs.tasks.map(({ task }: SignatureData) => task)).toEqual(['proj.tsum', 'proj.add']);
    const plain = before(tsum());
    expect(plain.options).not.toHaveProperty('link_error');
    expect(plain.kwargs.tasks.map(({ options }: SignatureData) => [options['link'], options['link_error']])).toEqual([
      [undefined, errbacks],
      [callbacks, errbacks],
      [undefined, undefined],
    ]);
  });

  test('has errbacks of a chain around it in its header too where that is set, and they take the failed id', () => {
    const workflow = chain(chord([add(1), chain(add(2), add(3))], tsum()), add(4)).onError(add('oops')) as never;
    const errbacks = [sig('proj.add', ['oops'])];
    const told = (linksErrorsOnHeader: boolean) => messages(compiled(workflow, { linksErrorsOnHeader })).map(({ embed }) => embed.errbacks);
    expect([told(true), told(false)]).toEqual([
      [errbacks, errbacks],
      [null, null],
    ]);
  });

  test('has its header above it, a list of lists where its only part ends in a group', () => {
    const inner = chord([add(1)], group(add(2), add(3)));
    for (const header of [[inner], [inner, group()]]) {
      const [part, other] = compiled(chord(header as never, tsum())).result.parent!.children!;
      expect([part!.children?.length, part!.parent?.children?.length, other]).toEqual([2, 1, undefined]);
    }
  });

  // features: 4-011
  test('in a chain with an errback is sent all the same, header, body and all', () => {
    const plan = compiled(chain(chord([add(1, 1)], tsum()), add(3)).onError(add('oops')) as never);
    expect(plan.chords).toHaveLength(1);
    expect(messages(plan)).toMatchObject([{ args: [1, 1], embed: { errbacks: null, chord: { options: { link_error: [{ args: ['oops'] }] } } } }]);
    expect(messages(compiled(chain(chord([], tsum()), add(3)).onError(add('oops')) as never))).toMatchObject([{ task: 'proj.tsum', args: [[]] }]);
  });

  test('as a link that Python wrote keeps the ids that its caller knows', () => {
    const member = { ...sig('proj.add', [2], { task_id: 'member', group_index: 0 }) };
    const header = { ...sig('celery.group', [], { task_id: 'header', root_id: null, parent_id: null }), kwargs: { tasks: [member] }, subtask_type: 'group' };
    const link = {
      ...sig('celery.chord', [], { task_id: 'header' }),
      kwargs: { kwargs: {}, header, body: sig('proj.tsum', [], { task_id: 'body' }) },
      subtask_type: 'chord',
    };
    const plan = compiled({ toJSON: () => link }, { parent: { id: 'before', rootId: 'root', priority: null } });
    expect(messages(plan)).toMatchObject([
      { id: 'member', group: 'header', root_id: 'root', parent_id: 'before', embed: { chord: { options: { task_id: 'body' } } } },
    ]);
    expect(plan.result.id).toBe('body');
  });

  // features: 4-097
  test('with a group as its body starts the members as those of the header, as Python does', () => {
    const plan = compiled(chord([add(1, 1)], group([tsum(), tsum()]) as never));
    const { body: written } = plan.chords[0]!;
    expect(written.options).toMatchObject({ task_id: 'id3', group_id: 'id1' });
    const started = compiled({ toJSON: () => ({ ...written, args: [[2]] }) });
    expect(messages(started).map(({ id, group: groupId, group_index, args }) => [id, groupId, group_index, args])).toEqual([
      ['id4', 'id1', 0, [[2]]],
      ['id5', 'id1', 1, [[2]]],
    ]);
  });

  // Celery writes such bodies where a chord follows a chord in a chain. The members were counted for the header that had ended, and the next chord never began.
  test('with a group as its body, and steps after that, makes those members parts of a chord of their own', () => {
    const plan = compiled(chord([add(1, 1)], group([tsum(), chain(tsum(), tsum())]) as never));
    const { body: written } = plan.chords[0]!;
    expect(written.options['group_id']).toBe(plan.chords[0]!.groupId);
    const options = { ...written.options, chain: [sig('proj.tsum', [], { task_id: 'next' })] };
    const started = compiled({ toJSON: () => ({ ...written, args: [[2]], options }) });
    const [{ groupId, body, size } = expect.fail()] = started.chords;
    expect([groupId, size, body.options['task_id']]).toEqual([written.options['task_id'], 2, 'next']);
    expect(groupId).not.toBe(plan.chords[0]!.groupId);
    const [first, second] = messages(started);
    expect(first).toMatchObject({ group: groupId, group_index: 0, args: [[2]] });
    expect(second).toMatchObject({ embed: { chain: [{ options: { group_id: groupId, group_index: 1, chord: { options: { task_id: 'next' } } } }] } });
  });

  // What its result says; Celery writes the options of the member over those of its body (differential seed 6131).
  test('in a group that is a body names that group for its own body, and not the header that started it', () => {
    const plan = compiled(chord([add(1, 1)], group([tsum(), chord([add(2, 2)], tsum())]) as never));
    const { body: written } = plan.chords[0]!;
    const started = compiled({ toJSON: () => ({ ...written, args: [[2]] }) });
    expect(started.chords[0]!.body.options['group_id']).toBe(written.options['task_id']);
  });

  // features: 4-091
  test('with an empty header is a call of its body', () => {
    const plan = compiled(chord([], tsum()));
    expect(plan.chords).toEqual([]);
    expect(messages(plan)).toMatchObject([{ task: 'proj.tsum', args: [[]] }]);
  });

  // features: 4-096
  test('says what is wrong where chords cannot be counted', () => {
    expect(() => compiled(chord([add(1, 1)], tsum()), { chords: 'none' })).toThrow(ChordError);
  });
});

test('links are told apart by big integers too, and each is there once', () => {
  const wide = signature('cb', { args: [2n ** 70n] });
  const linked = signature('add')
    .link(wide)
    .link(signature('cb', { args: [2n ** 71n] }))
    .link(wide);
  expect(messages(compiled(linked))[0]!.embed.callbacks?.map(({ args }) => args)).toEqual([[2n ** 70n], [2n ** 71n]]);
});

test('an empty chain, and a kind that nobody knows, are refused', () => {
  expect(() => compiled(chain())).toThrow(/empty chain/);
  expect(() => compiled({ toJSON: () => ({ ...sig('x', []), subtask_type: 'odd' }) })).toThrow(/"odd"/);
});
