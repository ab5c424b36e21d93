import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SignatureData } from '../protocol/signature.ts';
import { signature } from './by-name.ts';
import { chain } from './chain.ts';
import { chord } from './chord.ts';
import { compile, type CompileContext, type Plan } from './compile.ts';
import { group } from './group.ts';

const add = (...args: unknown[]) => signature<(...args: any[]) => any>('proj.add', { args }) as any;
const tsum = () => signature<(...args: any[]) => any>('proj.tsum') as any;

function compiled(what: { toJSON(): unknown }, more: Partial<CompileContext> & Pick<CompileContext, 'chords'>): Plan {
  const ids = { last: 0 };
  return compile(what.toJSON() as SignatureData, { newId: () => `id${++ids.last}`, now: Date.UTC(2026, 0, 1), origin: 'gen1@host', ...more });
}

describe('a chord, on a store that keeps no list of parts,', () => {
  test('saves its header and says its size, where a number is all that the store counts with', () => {
    const pair = chain(add(1, 1), group([add(1), add(2)]));
    const plan = compiled(chord([pair, add(5, 5)], tsum()), { chords: 'counter' });
    const [{ groupId, size, body }] = plan.chords as [(typeof plan.chords)[number]];
    expect([size, body['chord_size']]).toEqual([3, 3]);
    expect(plan.groups.map((saved) => saved.groupId)).toEqual([groupId]);
    expect(plan.publish.map(({ message }) => [message.headers.task, message.embed.chord?.['chord_size'] ?? null])).toEqual([
      ['proj.add', null],
      ['proj.add', 3],
    ]);
  });

  // features: 4-107
  test('sends celery.chord_unlock before its header, where the store cannot count: the message that Celery sends', () => {
    const plan = compiled(chord([add(1, 1), add(2, 2)], tsum().set({ queue: 'bodyq' })), { chords: 'unlock' });
    const vector = JSON.parse(readFileSync(new URL('../../test/fixtures/vectors/backends/chord_unlock_message.json', import.meta.url), 'utf8')) as {
      readonly messages: readonly { readonly headers: Record<string, unknown>; readonly body: readonly [[string, SignatureData], Record<string, unknown>] }[];
    };
    const [celerys] = vector.messages as [(typeof vector.messages)[number]];
    const [unlock, ...header] = plan.publish as [(typeof plan.publish)[number], ...typeof plan.publish];
    expect(plan.chords).toEqual([]);
    expect(header.map(({ message }) => message.headers.task)).toEqual(['proj.add', 'proj.add']);
    const { headers, args, kwargs } = unlock.message;
    const [groupId, body] = args as [string, SignatureData];
    expect([headers.task, headers.ignore_result, headers.group, unlock.route.queue]).toEqual([celerys.headers['task'], true, null, 'bodyq']);
    expect(Date.parse(headers.eta!)).toBe(Date.UTC(2026, 0, 1) + 1000);
    expect(headers.id).not.toBe(groupId);
    expect(kwargs).toEqual({ interval: null, max_retries: null, result: header.map(({ message }) => [[message.headers.id, null], null]) });
    expect(Object.keys(kwargs)).toEqual(Object.keys(celerys.body[1]));
    const { reply_to: _, ...options } = celerys.body[0][1].options;
    expect(Object.keys(body.options).toSorted()).toEqual(Object.keys(options).toSorted());
    expect(body.options).toMatchObject({ queue: 'bodyq', group_id: groupId });
  });

  test('sends celery.chord_unlock to where the body goes', () => {
    const defaults = (task: string) =>
      task === 'proj.tsum' ? { options: { queue: 'sums' }, timeLimit: null, softTimeLimit: null, ignoreResult: null } : undefined;
    const routes = [compiled(chord([add(1, 1)], tsum()), { chords: 'unlock', defaults }), compiled(chord([add(1, 1)], tsum()), { chords: 'unlock' })];
    expect(routes.map(({ publish: [unlock] }) => [unlock!.route.queue, unlock!.route.name])).toEqual([
      ['sums', 'proj.tsum'],
      [undefined, 'proj.tsum'],
    ]);
  });
});
