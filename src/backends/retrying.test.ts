import { expect, test } from 'vitest';
import { BackendGetMetaError, BackendStoreError, OperationalError } from '../errors.ts';
import { silentLogger } from '../kernel/logger.ts';
import { encoded } from '../protocol/json-text.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { ResultBackend } from './backend.ts';
import { retrying } from './retrying.ts';

const meta: ResultMeta = { task_id: 'a', status: 'SUCCESS', result: encoded(1), traceback: null, date_done: null, children: [] };

/** A store that is away for the first `failures` questions, and what was slept meanwhile. */
function store(failures: number, maxRetries: number | null, error: Error = new OperationalError('away')) {
  const waits: number[] = [];
  let asked = 0;
  const ask = <T>(value: T): Promise<T> => ((asked += 1) <= failures ? Promise.reject(error) : Promise.resolve(value));
  const backend = {
    capabilities: { pushes: false, expires: false, durable: false, chords: 'none' },
    save: () => ask(undefined),
    load: () => ask(meta),
    forget: () => ask(undefined),
    saveGroup: () => ask(undefined),
    loadGroup: () => ask([]),
    forgetGroup: () => ask(undefined),
  } as unknown as ResultBackend;
  const clock = { sleep: (ms: number) => (waits.push(ms), Promise.resolve()) } as never;
  return {
    waits,
    asked: () => asked,
    backend: retrying(backend, { maxRetries, baseSleepMs: 10, maxSleepMs: 35 }, { clock, log: silentLogger, random: () => 1 }),
  };
}

// features: 5-063 5-074
test('a store that is away is asked again, after pauses that double up to a limit', async () => {
  const { backend, waits, asked } = store(4, null);
  await backend.save(meta);
  expect([waits, asked()]).toEqual([[10, 20, 35, 35], 5]);
});

// features: 5-063 5-068
test('when the tries are used up, what was to be written is a BackendStoreError, what was to be read a BackendGetMetaError', async () => {
  const written = (ask: (backend: ResultBackend) => Promise<unknown>) => ask(store(9, 2).backend);
  await expect(written((backend) => backend.save(meta))).rejects.toThrow(BackendStoreError);
  await expect(written((backend) => backend.forget(['a']))).rejects.toThrow(BackendStoreError);
  await expect(written((backend) => backend.saveGroup('g', []))).rejects.toThrow(BackendStoreError);
  await expect(written((backend) => backend.forgetGroup('g'))).rejects.toThrow(BackendStoreError);
  await expect(written((backend) => backend.load('a'))).rejects.toThrow(BackendGetMetaError);
  await expect(written((backend) => backend.loadGroup('g'))).rejects.toThrow(/away for 3 tries \(resultBackendMaxRetries\): away/);
  const { asked, backend } = store(9, 0);
  await expect(backend.load('a')).rejects.toThrow(BackendGetMetaError);
  expect(asked()).toBe(1);
});

// features: 5-074
test('what is refused for good is not tried again', async () => {
  const { backend, asked } = store(9, null, new BackendStoreError('too long'));
  await expect(backend.save(meta)).rejects.toThrow('too long');
  expect(asked()).toBe(1);
});
