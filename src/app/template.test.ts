import { expect, test } from 'vitest';
import { compile } from '../canvas/compile.ts';
import type { OutgoingMessage } from '../messaging/outgoing.ts';
import { silentLogger } from '../kernel/logger.ts';
import { Celery } from './celery.ts';
import type { Core } from './app-core.ts';
import { coreOf } from './core.ts';

const newCore = (settings = {}): Core => coreOf(new Celery('t', { broker: 'memory://', backend: 'memory://', log: silentLogger, ...settings })) as Core;

const context = (core: Core, parent?: { readonly id: string; readonly rootId: string; readonly priority: null }) => ({
  newId: () => 'an-id',
  now: 0,
  origin: core.origin,
  chords: 'none' as const,
  defaults: (task: string) => core.registry.get(task)?.defaults,
  ...(parent === undefined ? {} : { parent }),
});

const calls: readonly (readonly unknown[])[] = [
  [2, 2],
  [],
  ['it\'s "quoted"\n', 'ünïcode \u2028'],
  [{ deep: [1, { x: null }] }, new Date(0)],
  [undefined, 1.5],
];

test('a template writes the same message as the long way', async () => {
  const settings = { taskTimeLimit: 99, taskSoftTimeLimit: 88, taskDefaultPriority: 3, taskIgnoreResult: true };
  const core = newCore(settings);
  core.celery.task('t.echo', (...all: unknown[]) => all);
  for (const args of calls) {
    for (const parent of [undefined, { id: 'the "parent"', rootId: 'the\\root', priority: null }]) {
      const [planned] = compile(
        { task: 't.echo', args: args as never, kwargs: {}, options: {}, subtask_type: null, immutable: false },
        context(core, parent),
      ).publish;
      expect(planned!.isPlain).toBe(true);
      const short = (await core.publisher.outgoing(planned!)) as OutgoingMessage;
      const { isPlain: _, ...unmarked } = planned!;
      const long = (await core.publisher.outgoing(unmarked)) as OutgoingMessage;
      expect(short.message.headersText).toBeDefined();
      expect(long.message.headersText).toBeUndefined();
      expect(JSON.parse(short.message.headersText!)).toEqual(JSON.parse(JSON.stringify(long.message.headers)));
      expect(Object.keys(JSON.parse(short.message.headersText!) as object)).toEqual(Object.keys(long.message.headers));
      const { headersText, isAscii, ...rest } = short.message;
      expect({ ...short, message: rest }).toEqual(long);
      // Bytes are not counted where this is said, so it must be true; and it is said of the calls that are most.
      if (isAscii === true)
        expect(Buffer.byteLength(headersText! + JSON.stringify(rest.properties))).toBe((headersText! + JSON.stringify(rest.properties)).length);
      if (args[0] === 2) expect(isAscii).toBe(parent === undefined);
    }
  }
});

test('options of the task, a route and a change of settings reach the template', async () => {
  const core = newCore({ taskRoutes: { 'media.*': 'media' } });
  core.celery.task('media.show', () => 1);
  core.celery.task('t.urgent', { queue: 'fast', priority: 9 }, () => 1);
  const send = async (task: string): Promise<OutgoingMessage> =>
    core.publisher.outgoing(compile({ task, args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }, context(core)).publish[0]!);
  expect((await send('media.show')).routingKey).toBe('media');
  expect(await send('t.urgent')).toMatchObject({ exchange: '', routingKey: 'fast', message: { properties: { priority: 9 } } });
  core.celery.configure({ taskRoutes: { 'media.*': 'pictures' } });
  expect((await send('media.show')).routingKey).toBe('pictures');
});
