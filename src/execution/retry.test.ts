import type { SignatureData } from '../protocol/signature.ts';
import { expect, test } from 'vitest';
import { policy, received, sig } from '../../test/kit/execution-env.ts';
import { nextAttempt, waitMs } from './retry.ts';
import { replacement } from './replace.ts';

const now = Date.UTC(2026, 10, 22, 9, 42, 19);
const retried = (message: ReturnType<typeof received>) => {
  const body = message.body();
  if (body instanceof Promise) throw new Error('read at once');
  return { received: message, body, task: { policy }, now };
};

test('the next attempt has the same id, arguments, links and group; one retry more, due after the wait', () => {
  const chord = sig('body', { task_id: 'b' });
  const message = received({
    headers: { group: 'g', group_index: 2, root_id: 'root', retries: 1, timelimit: [60, 45], shadow: 'shown', tenant: 'a', 'x-death': [], redelivered: true },
    args: [1],
    kwargs: { a: 2 },
    embed: { callbacks: [sig('cb')], errbacks: [sig('eb')], chain: [sig('last'), sig('next')], chord },
  });
  expect(nextAttempt(retried(message), { countdown: 1 })).toEqual({
    task: 't',
    args: [1],
    kwargs: { a: 2 },
    subtask_type: null,
    immutable: false,
    options: {
      task_id: 'id1',
      root_id: 'root',
      parent_id: 'id1',
      group_id: 'g',
      group_index: 2,
      link: [sig('cb')],
      link_error: [sig('eb')],
      chain: [sig('last'), sig('next')],
      chord,
      retries: 2,
      eta: '2026-11-22T09:42:20.000000+00:00',
      time_limit: 60,
      soft_time_limit: 45,
      shadow: 'shown',
      headers: { tenant: 'a' },
      ignore_result: false,
      replaced_task_nesting: 0,
      queue: 'celery',
    },
  });
});

test('it goes back to where it came from, or to the queue asked for', () => {
  const topic = received({}, { exchange: 'media', routingKey: 'video.encode', queue: 'video', priority: 5 });
  expect(nextAttempt(retried(topic), {}).options).toMatchObject({ exchange: 'media', routing_key: 'video.encode', priority: 5 });
  const { options } = nextAttempt(retried(topic), { queue: 'slow', priority: 1 });
  expect(options).toMatchObject({ queue: 'slow', priority: 1 });
  expect(options['exchange']).toBeUndefined();
});

// features: 4-122
test('only declared stamps move on', () => {
  const stamped = received({ headers: { stamped_headers: ['tag'], stamps: { tag: 'T1', other: 'x' } } });
  const { options } = nextAttempt(retried(stamped), {});
  expect(options).toMatchObject({ tag: 'T1', stamped_headers: ['tag'] });
  expect(options['other']).toBeUndefined();
});

test('the wait is that of eta, else countdown, else the task', () => {
  const one = retried(received());
  expect(waitMs(one, {})).toBe(180_000);
  expect(waitMs(one, { countdown: '250ms' })).toBe(250);
  expect(waitMs(one, { countdown: null, eta: null })).toBe(180_000);
  expect(waitMs(one, { eta: new Date(now + 5_000), countdown: 1 })).toBe(5_000);
});

test('one half of the arguments given leaves the other as it was, unless the task merges them', () => {
  const message = received({ args: [1], kwargs: { b: 2 } });
  expect(nextAttempt(retried(message), { args: [9] })).toMatchObject({ args: [9], kwargs: { b: 2 } });
  const task = { policy, mergeArguments: () => ({ args: [9], kwargs: {} }) };
  expect(nextAttempt({ ...retried(message), task }, { args: [9] })).toMatchObject({ args: [9], kwargs: {} });
});

// features: 4-108 4-109 4-110 4-111
test('a replacement takes over id, chord and what follows; a group becomes one result', () => {
  const message = received({
    headers: { group: 'g', group_index: 0, root_id: 'root' },
    embed: { callbacks: [sig('cb')], chain: [sig('last'), sig('next')], chord: sig('body') },
  });
  const body = message.body();
  if (body instanceof Promise) throw new Error('read at once');
  const followed = replacement(message, body, sig('other', { link: sig('own') }));
  const all = followed.kwargs['tasks'] as readonly SignatureData[];
  expect(all.map(({ task }) => task)).toEqual(['other', 'next', 'last']);
  const plain = all[0]!;
  expect(plain.options).toMatchObject({ task_id: 'id1', parent_id: 'id1', root_id: 'root', group_id: 'g', chord: sig('body'), replaced_task_nesting: 1 });
  expect(plain.options['link']).toEqual([sig('own'), sig('cb')]);
  const group = replacement(message, body, sig('celery.group', {}, { subtask_type: 'group', kwargs: { tasks: [sig('a')] } }));
  expect(group.kwargs['body']).toMatchObject({ kwargs: { tasks: [{ task: 'celery.accumulate' }, { task: 'next' }, { task: 'last' }] } });
  const last = { ...body, embed: { ...body.embed, chain: null } };
  expect(replacement(message, last, sig('celery.group', {}, { subtask_type: 'group', kwargs: { tasks: [sig('a')] } }))).toMatchObject({
    subtask_type: 'chord',
    kwargs: { body: { task: 'celery.accumulate', kwargs: { index: 0 } } },
  });
  const chain = replacement(message, body, sig('celery.chain', {}, { subtask_type: 'chain', kwargs: { tasks: [sig('a'), sig('b')] } }));
  const steps = chain.kwargs['tasks'] as readonly { task: string; options: { link?: unknown } }[];
  expect(steps.map(({ task }) => task)).toEqual(['a', 'b', 'next', 'last']);
  expect(steps[1]!.options.link).toEqual([sig('cb')]);
  expect(() => replacement(message, body, sig('celery.chain', {}, { subtask_type: 'chain', kwargs: { tasks: [] } }))).toThrow(/empty chain/);
});
