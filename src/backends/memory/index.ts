import type { Json } from '../../protocol/json.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { BackendDriver, BackendOptions, ChordStore, ResultBackend, SaveOptions } from '../backend.ts';
import { type MetaFeed, pushWatch } from '../push-watch.ts';
import { memoryChords } from './chords.ts';
import { type ResultHub, resultHub, sweep } from './hub.ts';

/** `memory://` or `memory://name`: results in this process, gone with it. For tests, and for programs that are one process. */
export const driver: BackendDriver = {
  name: 'memory',
  open: (options) => Promise.resolve(new MemoryBackend(options)),
};

const DONE: Promise<void> = Promise.resolve();

class MemoryBackend implements ResultBackend, MetaFeed {
  readonly capabilities = { pushes: true, expires: true, durable: false, chords: 'store' } as const;
  readonly chords: ChordStore;
  readonly #hub: ResultHub;
  readonly #options: BackendOptions;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#hub = resultHub(options.url.host || 'default');
    this.chords = memoryChords({
      chords: this.#hub.chords,
      clock: options.clock,
      expiresMs: options.chordExpiresMs,
      joinTimeoutMs: options.chordJoinTimeoutMs,
    });
  }

  save(meta: ResultMeta, options: SaveOptions = {}): Promise<void> {
    const before = this.last(meta.task_id)?.status;
    if (before === 'SUCCESS' || (before !== undefined && options.over !== undefined && !options.over.includes(before))) return DONE;
    const lifeMs = meta.status === 'FAILURE' ? this.#options.failureExpiresMs : this.#options.expiresMs;
    this.#hub.metas.set(meta.task_id, { value: meta, expiresAtMs: this.#expiry(lifeMs) });
    this.#hub.savesSinceSweep += 1;
    if (this.#hub.savesSinceSweep > 1000 + this.#hub.metas.size / 2) sweep(this.#hub, this.#options.clock.now());
    for (const listener of [...(this.#hub.watchers.get(meta.task_id) ?? [])]) listener(meta);
    return DONE;
  }

  load(taskId: string): Promise<ResultMeta | undefined> {
    return Promise.resolve(this.last(taskId));
  }

  forget(taskIds: readonly string[]): Promise<void> {
    for (const id of taskIds) this.#hub.metas.delete(id);
    return DONE;
  }

  watch(taskIds: readonly string[], options: Parameters<ResultBackend['watch']>[1]): AsyncGenerator<ResultMeta, void, void> {
    return pushWatch(this, taskIds, options);
  }

  saveGroup(groupId: string, tree: Json): Promise<void> {
    this.#hub.groups.set(groupId, { value: tree, expiresAtMs: this.#expiry(this.#options.expiresMs) });
    return DONE;
  }

  loadGroup(groupId: string): Promise<Json | undefined> {
    const entry = this.#hub.groups.get(groupId);
    return Promise.resolve(entry !== undefined && entry.expiresAtMs > this.#options.clock.now() ? entry.value : undefined);
  }

  forgetGroup(groupId: string): Promise<void> {
    this.#hub.groups.delete(groupId);
    return DONE;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return DONE;
  }

  last(taskId: string): ResultMeta | undefined {
    const entry = this.#hub.metas.get(taskId);
    return entry !== undefined && entry.expiresAtMs > this.#options.clock.now() ? entry.value : undefined;
  }

  #expiry(lifeMs: number | null): number {
    return lifeMs === null ? Number.POSITIVE_INFINITY : this.#options.clock.now() + lifeMs;
  }

  listen(taskIds: readonly string[], listener: (meta: ResultMeta) => void): Disposable {
    const { watchers } = this.#hub;
    for (const id of taskIds) watchers.set(id, (watchers.get(id) ?? new Set()).add(listener));
    return {
      [Symbol.dispose]: () => {
        for (const id of taskIds) {
          const listeners = watchers.get(id);
          listeners?.delete(listener);
          if (listeners?.size === 0) watchers.delete(id);
        }
      },
    };
  }
}
