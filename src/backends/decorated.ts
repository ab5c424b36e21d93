import type { ResultBackend } from './backend.ts';

/** The same store with some of its ways replaced. */
export function decorated(backend: ResultBackend, own: Partial<ResultBackend>): ResultBackend {
  const { capabilities, replyTo, listening, chords, counter, sweep } = backend;
  return {
    capabilities,
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(listening === undefined ? {} : { listening: () => listening.call(backend) }),
    ...(chords === undefined ? {} : { chords }),
    ...(counter === undefined ? {} : { counter }),
    ...(sweep === undefined ? {} : { sweep: (before: Date) => sweep.call(backend, before) }),
    save: (meta, options) => backend.save(meta, options),
    load: (taskId) => backend.load(taskId),
    forget: (taskIds) => backend.forget(taskIds),
    watch: (taskIds, options) => backend.watch(taskIds, options),
    saveGroup: (groupId, tree) => backend.saveGroup(groupId, tree),
    loadGroup: (groupId) => backend.loadGroup(groupId),
    forgetGroup: (groupId) => backend.forgetGroup(groupId),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    ...own,
  };
}
