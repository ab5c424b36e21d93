import { isFinal } from '../../protocol/states.ts';
import type { Json } from '../../protocol/json.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { BackendDriver, BackendOptions, ChordStore, ResultBackend, SaveOptions } from '../backend.ts';
import { memoryChords } from './chords.ts';
import { type ResultHub, resultHub, sweep } from './hub.ts';

/** `memory://` or `memory://name`: results in this process, gone with it. For tests, and for programs that are one process. */
export const driver: BackendDriver = {
  name: 'memory',
  open: (options) => Promise.resolve(new MemoryBackend(options)),
};

/** How many metas may wait for a reader that is slower than the writers. */
const MAX_UNREAD = 10_000;
const DONE: Promise<void> = Promise.resolve();

class MemoryBackend implements ResultBackend {
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
    const before = this.#stored(meta.task_id)?.status;
    if (before === 'SUCCESS' || (before !== undefined && options.over !== undefined && !options.over.includes(before))) return DONE;
    const lifeMs = meta.status === 'FAILURE' ? this.#options.failureExpiresMs : this.#options.expiresMs;
    this.#hub.metas.set(meta.task_id, { value: meta, expiresAtMs: this.#expiry(lifeMs) });
    this.#hub.savesSinceSweep += 1;
    if (this.#hub.savesSinceSweep > 1000 + this.#hub.metas.size / 2) sweep(this.#hub, this.#options.clock.now());
    for (const listener of [...(this.#hub.watchers.get(meta.task_id) ?? [])]) listener(meta);
    return DONE;
  }

  load(taskId: string): Promise<ResultMeta | undefined> {
    return Promise.resolve(this.#stored(taskId));
  }

  forget(taskIds: readonly string[]): Promise<void> {
    for (const id of taskIds) this.#hub.metas.delete(id);
    return DONE;
  }

  async *watch(taskIds: readonly string[], options: Parameters<ResultBackend['watch']>[1]): AsyncGenerator<ResultMeta, void, void> {
    const { signal, states } = options;
    const open = new Set(taskIds);
    const unread: ResultMeta[] = [];
    const reader = { wake: (): void => undefined };
    const onMeta = (meta: ResultMeta): void => {
      if (states === 'final' && !isFinal(meta.status)) return;
      if (unread.length >= MAX_UNREAD) dropOne(unread);
      unread.push(meta);
      reader.wake();
    };
    const onAbort = (): void => reader.wake();
    signal.addEventListener('abort', onAbort, { once: true });
    for (const id of open) this.#listen(id, onMeta);
    try {
      for (const id of open) {
        const meta = this.#stored(id);
        if (meta !== undefined) onMeta(meta);
      }
      while (open.size > 0 && !signal.aborted) {
        const meta = unread.shift();
        if (meta === undefined) await new Promise<void>((resolve) => (reader.wake = resolve));
        else if (open.has(meta.task_id)) {
          if (isFinal(meta.status)) open.delete(meta.task_id);
          yield meta;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      for (const id of taskIds) this.#unlisten(id, onMeta);
    }
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

  #stored(taskId: string): ResultMeta | undefined {
    const entry = this.#hub.metas.get(taskId);
    return entry !== undefined && entry.expiresAtMs > this.#options.clock.now() ? entry.value : undefined;
  }

  #expiry(lifeMs: number | null): number {
    return lifeMs === null ? Number.POSITIVE_INFINITY : this.#options.clock.now() + lifeMs;
  }

  #listen(taskId: string, listener: (meta: ResultMeta) => void): void {
    const listeners = this.#hub.watchers.get(taskId) ?? new Set();
    this.#hub.watchers.set(taskId, listeners.add(listener));
  }

  #unlisten(taskId: string, listener: (meta: ResultMeta) => void): void {
    const listeners = this.#hub.watchers.get(taskId);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#hub.watchers.delete(taskId);
  }
}

/** Progress may be skipped, an end may not. */
function dropOne(unread: ResultMeta[]): void {
  const index = unread.findIndex((meta) => !isFinal(meta.status));
  if (index !== -1) unread.splice(index, 1);
}
