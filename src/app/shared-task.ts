import { ImproperlyConfigured } from '../errors.ts';
import { currentRun } from '../execution/context.ts';
import type { Core } from './app-core.ts';
import { callSite } from './definition.ts';
import { defineTask, type DefineArguments, partsOf } from './define.ts';
import type { AnyTask, TaskDefiner } from './task-types.ts';

/**
 * The one thing that apps of a process share, and only where a library asks for it by `sharedTask`: what was defined so is in every app,
 * whichever was made first. Apps are held weakly.
 */
const definitions: { readonly given: DefineArguments; readonly where: string }[] = [];
const apps = new Set<WeakRef<Core>>();

/** A new app takes over what libraries have defined so far. */
export function joinShared(core: Core): void {
  apps.add(new WeakRef(core));
  for (const { given, where } of definitions) defineTask(core, given, where);
}

/** Registers in every app of the process, present and future; for libraries. Its calls go through the app of the running task, else the only app there is. */
export const sharedTask: TaskDefiner = ((...given: DefineArguments) => {
  const where = callSite(sharedTask as never);
  definitions.push({ given, where });
  for (const core of living()) defineTask(core, given, where);
  const { name, options, fn } = partsOf(given);
  const nameIn = (core: Core): string => name ?? options.name ?? `${core.main}.${fn.name}`;
  return new Proxy(fn, {
    get(target, key) {
      if (key === 'name' && (name ?? options.name) !== undefined) return name ?? options.name;
      if (key === 'prototype' || typeof key === 'symbol') return Reflect.get(target, key);
      const core = currentCore(name ?? options.name ?? fn.name);
      return Reflect.get(core.registry.get(nameIn(core))!.handle as unknown as object, key) as unknown;
    },
  }) as unknown as AnyTask;
}) as unknown as TaskDefiner;

function living(): readonly Core[] {
  const found: Core[] = [];
  for (const reference of apps) {
    const core = reference.deref();
    if (core === undefined) apps.delete(reference);
    else found.push(core);
  }
  return found;
}

function currentCore(task: string): Core {
  const cores = living();
  const run = currentRun();
  const running = run === undefined ? undefined : cores.find((core) => core.registry.get(run.received.headers.task)?.isRunning(run) === true);
  const core = running ?? (cores.length === 1 ? cores[0] : undefined);
  if (core !== undefined) return core;
  throw new ImproperlyConfigured(
    cores.length === 0
      ? `the shared task ${task} is called before there is an app: make one first, new Celery(…)`
      : `the shared task ${task} is in ${cores.length} apps: call it through one of them, app.tasks.get('${task}')`,
  );
}
