import { signatureFrom } from '../canvas/by-name.ts';
import { CHORD_UNLOCK } from '../canvas/unlock-call.ts';
import { ImproperlyConfigured } from '../errors.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { Core } from './app-core.ts';
import { chordUnlock } from './chord-unlock.ts';
import { definition, type AnyOptions } from './definition.ts';
import type { TaskContext } from './task-context.ts';
import { createTask } from './task-handle.ts';
import { TaskEntry } from './task-entry.ts';

type Keywords = Readonly<Record<string, unknown>>;

/** Celery's own tasks, which every worker must know: Python's messages name them. */
export function registerBuiltins(core: Core): void {
  const add = (name: string, options: AnyOptions, fn: (...args: never[]) => unknown): void => {
    const made = definition({ main: core.main, name, options, fn, where: 'in celeriac', warn: () => undefined, isBuiltin: true });
    createTask(core.registry.add(new TaskEntry(made, core)), core);
  };
  /** The plain function of a task: no request, no retries of its own, as in Celery. */
  const functionOf = (task: unknown): ((args: readonly unknown[]) => unknown) => {
    const { task: name, args, kwargs } = signatureFrom(task).toJSON() as unknown as SignatureData;
    const entry = core.registry.get(name);
    if (entry === undefined) throw new ImproperlyConfigured(`celery.map: there is no task ${JSON.stringify(name)} here`);
    if (Object.keys(kwargs).length > 0) throw new ImproperlyConfigured('celery.map: a task with keyword arguments stored cannot be mapped here');
    return (given) => entry.callDirectly([...given, ...args]);
  };
  const each = async (task: unknown, items: Iterable<unknown>, isStar: boolean): Promise<unknown[]> => {
    const call = functionOf(task);
    const values: unknown[] = [];
    for (const item of items) values.push(await call(isStar ? (item as readonly unknown[]) : [item]));
    return values;
  };
  add('celery.map', { kwargs: true, params: ['kwargs'] }, ({ task, it }: Keywords) => each(task, it as Iterable<unknown>, false));
  add('celery.starmap', { kwargs: true, params: ['kwargs'] }, ({ task, it }: Keywords) => each(task, it as Iterable<unknown>, true));
  add('celery.accumulate', { bind: true, params: ['...args', '**'] }, accumulate);
  const unlock = chordUnlock(core);
  add(CHORD_UNLOCK, unlock.options, unlock.run);
  add('celery.backend_cleanup', { ignoreResult: true }, async () => {
    const backend = await core.backend();
    await backend.sweep?.(new Date(core.clock.now()));
  });
  for (const kind of ['chain', 'group', 'chord', 'chunks']) {
    add(`celery.${kind}`, {}, () => {
      throw new ImproperlyConfigured(`celery.${kind} is a signature: it is expanded by whoever starts it, and never runs itself`);
    });
  }
}

/** Gives all its arguments, or the one at `index`. */
function accumulate(self: TaskContext, ...args: readonly unknown[]): unknown {
  const { index } = self.request.kwargs;
  return typeof index === 'number' ? args.at(index) : args;
}
