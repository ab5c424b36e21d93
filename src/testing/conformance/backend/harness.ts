import assert from 'node:assert/strict';
import type { ResultBackend } from '../../../backends/backend.ts';
import type { MetaCodec } from '../../../serialization/meta-codec.ts';
import { decodeJson, encoded, encodeJson } from '../../../protocol/json-text.ts';
import type { Value } from '../../../protocol/json.ts';
import { encodeMeta, readMeta, type ResultMeta } from '../../../protocol/result-meta.ts';
import type { TaskState } from '../../../protocol/states.ts';
import type { Harness } from '../suite.ts';

/** A driver's result store, ready to be tested: each harness stands for a server of its own (a database number, a file, a key prefix). */
export interface BackendHarness extends Harness {
  readonly capabilities: ResultBackend['capabilities'];
  /** Opens a backend on this harness's server; each call is another connection. Nothing expires unless said here. */
  open(options?: OpenBackend): Promise<ResultBackend>;
}

export interface OpenBackend {
  readonly expiresMs?: number | null;
  readonly failureExpiresMs?: number | null;
  readonly chordExpiresMs?: number | null;
  readonly chordJoinTimeoutMs?: number;
}

/** Metas as Celery's JSON: what `resultSerializer: 'json'` gives. For harnesses. */
export const jsonCodec: MetaCodec = {
  isPlainJson: true,
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  encode: encodeMeta,
  decode: (stored) => readMeta(jsonOf(stored)),
  encodeValue: encodeJson,
  decodeValue: (stored) => jsonOf(stored),
};
const jsonOf = (stored: string | Uint8Array): Value => decodeJson(typeof stored === 'string' ? stored : Buffer.from(stored).toString('utf8'));

export function metaOf(taskId: string, status: TaskState, value: Value = null, more: Partial<ResultMeta> = {}): ResultMeta {
  const isEnd = status === 'SUCCESS' || status === 'FAILURE' || status === 'REVOKED';
  return {
    task_id: taskId,
    status,
    result: encoded(value),
    traceback: null,
    children: [],
    date_done: isEnd ? '2026-11-22T21:37:06.123456+00:00' : null,
    ...more,
  };
}

/** What `load` gives, in short: state and value. */
export async function stateOf(backend: ResultBackend, taskId: string): Promise<readonly [TaskState, Value] | undefined> {
  const meta = await backend.load(taskId);
  return meta === undefined ? undefined : [meta.status, meta.result.value()];
}

/** Gathers what a watch tells, until it ends. */
export async function gather(metas: AsyncIterable<ResultMeta>): Promise<ResultMeta[]> {
  const all: ResultMeta[] = [];
  for await (const meta of metas) all.push(meta);
  return all;
}

export const never = (): AbortSignal => new AbortController().signal;

/** Lets time pass in small steps until it is so; `patienceMs` at most. */
export async function until(harness: Harness, isThere: () => boolean | Promise<boolean>, patienceMs = 5000): Promise<void> {
  for (let waited = 0; waited < patienceMs; waited += 20) {
    if (await isThere()) return;
    await harness.elapse(20);
  }
  assert(await isThere(), `what was expected has not happened within ${patienceMs} ms`);
}

/** Waits for a promise while time passes: a fake clock must be moved for what polls. */
export async function whileTimePasses<T>(harness: Harness, promise: Promise<T>, patienceMs = 10_000): Promise<T> {
  const state: { isDone: boolean } = { isDone: false };
  const done = promise.finally(() => (state.isDone = true));
  // Whoever awaits it below hears of an error; until then it is not unheard of.
  done.catch(() => undefined);
  await until(harness, () => state.isDone, patienceMs);
  return done;
}
