import { bugReport } from '../../app/report.ts';
import { maskSettings } from '../../config/report.ts';
import type { CommandArgs } from '../../control/commands.ts';
import type { Value, ValueMap } from '../../protocol/json.ts';
import type { WorkerContext } from '../context.ts';
import { revokedIds } from '../revoked.ts';
import type { Runner } from '../runner.ts';
import type { Worker } from '../worker.ts';
import { requestInfo } from './request-info.ts';

/** What commands work on. */
export interface CommandState {
  readonly worker: Worker;
  readonly context: WorkerContext;
  readonly runner: Runner;
}

/** Commands that ask or end the worker as a whole. */
export const stateCommands = {
  ping: (): Value => ({ ok: 'pong' }),

  clock: ({ context }: CommandState): Value => ({ clock: context.core.lamport.value }),

  stats: ({ worker }: CommandState): Value => worker.stats() as ValueMap,

  conf: ({ context }: CommandState, { withDefaults }: CommandArgs<'conf'>): Value =>
    maskSettings(context.core.settings, { changed: withDefaults !== true }) as ValueMap,

  report: ({ context }: CommandState): Value => ({ ok: bugReport(context.core.settings) }),

  /** A new worker introduces itself: it is told what is revoked, and tells what it knows. It hears itself, too: a second answer under its name is another worker's. */
  hello({ context, worker }: CommandState, { fromNode, revoked }: CommandArgs<'hello'>): Value {
    if (fromNode !== worker.hostname) context.log.info(`sync with ${fromNode}`);
    context.revoked.add(revokedIds(revoked));
    return { revoked: context.revoked.ids.values(), clock: context.core.lamport.forward() };
  },

  revoked: ({ context }: CommandState): Value => context.revoked.ids.values(),

  async active({ context }: CommandState, { safe }: CommandArgs<'active'>): Promise<Value> {
    return Promise.all([...context.reservations.of('running')].map((request) => requestInfo(request, context.hostname, { asText: safe === true })));
  },

  async reserved({ context }: CommandState): Promise<Value> {
    const { reservations } = context;
    return Promise.all([...reservations.of('ready'), ...reservations.of('limited')].map((request) => requestInfo(request, context.hostname)));
  },

  async scheduled({ context }: CommandState): Promise<Value> {
    return Promise.all(
      [...context.reservations.of('scheduled')].map(async (request) => ({
        eta: request.received.headers.eta,
        // Celery's timer has priorities; all of these have this one.
        priority: 6,
        request: await requestInfo(request, context.hostname),
      })),
    );
  },

  async queryTask({ context }: CommandState, { ids }: CommandArgs<'queryTask'>): Promise<Value> {
    const names = { running: 'active', finishing: 'active', scheduled: 'scheduled', ready: 'reserved', limited: 'reserved' } as const;
    const found = context.reservations.find(new Set(ids)).filter((request) => request.standing !== 'new' && request.standing !== 'gone');
    return Object.fromEntries(
      await Promise.all(
        found.map(async (request) => [request.id, [names[request.standing as keyof typeof names], await requestInfo(request, context.hostname)]]),
      ),
    ) as ValueMap;
  },

  registered({ context }: CommandState, { builtins, items }: CommandArgs<'registered'>): Value {
    const { tasks } = context.core;
    const names = tasks.names().filter((name) => builtins === true || !name.startsWith('celery.'));
    const shown = (items ?? ['exchange', 'routing_key', 'rate_limit']).filter((item) => !item.startsWith('_'));
    return names.toSorted().map((name) => {
      const options = (tasks.get(name)?.options ?? {}) as Readonly<Record<string, unknown>>;
      const fields = shown.flatMap((item) => {
        const value = options[item.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
        return value === undefined || value === null ? [] : [`${item}=${String(value)}`];
      });
      return fields.length === 0 ? name : `${name} [${fields.join(' ')}]`;
    });
  },

  /** No answer, as Celery gives none: the worker ends when it has finished what runs. */
  shutdown({ context, worker }: CommandState): undefined {
    context.log.warn('Got shutdown from remote');
    void worker.stop();
  },
};
