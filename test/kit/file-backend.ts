import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendDriver, BackendOptions, ChordCounter, ResultBackend } from '../../src/backends/backend.ts';
import { pollingWatch } from '../../src/backends/polling.ts';
import { newId } from '../../src/kernel/ids.ts';
import { decodeJson, encodeJson } from '../../src/protocol/json-text.ts';
import type { Json } from '../../src/protocol/json.ts';
import type { ResultMeta } from '../../src/protocol/result-meta.ts';

/**
 * A third party's result store that cannot be a ChordStore: a file per key, named and written as Celery's `file://` backend does, so that Python reads
 * the same. `chords`: with a counter, of the kind that Memcached has; with nothing but metas; or as if it could not be read. For tests.
 */
export const fileBackend = (chords: 'counter' | 'unlock' | 'none'): BackendDriver => ({
  name: 'file',
  async open(options) {
    await mkdir(options.url.pathname, { recursive: true });
    return openFiles(options, chords);
  },
});

function openFiles({ url, codec, clock }: BackendOptions, chords: 'counter' | 'unlock' | 'none'): ResultBackend {
  const path = (key: string): string => join(url.pathname, key);
  const read = (key: string): Promise<string | undefined> =>
    readFile(path(key), 'utf8').then(
      (text) => text || undefined,
      () => undefined,
    );
  /** Whole or not at all: others look at it at any moment. */
  const write = async (key: string, text: string | Uint8Array): Promise<void> => {
    const draft = path(`.${newId()}`);
    await writeFile(draft, text);
    await rename(draft, path(key));
  };
  const forget = (key: string): Promise<void> => rm(path(key), { force: true });
  const load = async (id: string): Promise<ResultMeta | undefined> => {
    const text = await read(`celery-task-meta-${id}`);
    try {
      return text === undefined ? undefined : codec.decode(text);
    } catch {
      // Python is in the middle of writing it.
      return undefined;
    }
  };
  return {
    capabilities: { pushes: false, expires: false, durable: true, chords },
    ...(chords === 'counter' ? { counter: fileCounter(path) } : {}),
    load,
    async save(meta, { over } = {}) {
      const before = (await load(meta.task_id))?.status;
      if (before === 'SUCCESS' || (before !== undefined && over !== undefined && !over.includes(before))) return;
      await write(`celery-task-meta-${meta.task_id}`, codec.encode(meta));
    },
    async forget(ids) {
      for (const id of ids) await forget(`celery-task-meta-${id}`);
    },
    watch: (ids, { states, signal }) =>
      pollingWatch(async (some) => (await Promise.all(some.map(load))).filter((meta) => meta !== undefined), ids, { states, signal, clock, maxIntervalMs: 50 }),
    saveGroup: (id, tree) => write(`celery-taskset-meta-${id}`, encodeJson({ result: tree })),
    async loadGroup(id) {
      const text = await read(`celery-taskset-meta-${id}`);
      return text === undefined ? undefined : ((decodeJson(text) as { readonly result: Json }).result ?? undefined);
    },
    forgetGroup: (id) => forget(`celery-taskset-meta-${id}`),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A number is as many files: to make one that is not there is atomic, in Python too. */
function fileCounter(path: (key: string) => string): ChordCounter {
  const file = (groupId: string, n: number): string => path(`chord-unlock-${groupId}.${n}`);
  return {
    async reset(groupId) {
      for (let n = 1; await rm(file(groupId, n)).then(Boolean.bind(null, true), () => false); n += 1);
    },
    async increment(groupId) {
      for (let n = 1; ; n += 1) if (await writeFile(file(groupId, n), '', { flag: 'wx' }).then(Boolean.bind(null, true), isThere)) return n;
    },
  };
}

function isThere(error: unknown): false {
  if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  throw error;
}
