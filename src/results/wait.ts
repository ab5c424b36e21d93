import type { ResultBackend } from '../backends/backend.ts';
import { CeleryError, TimeoutError } from '../errors.ts';
import { durationMs } from '../kernel/duration.ts';
import { notAnOption } from '../kernel/nearest.ts';
import type { ResultMeta as StoredMeta } from '../protocol/result-meta.ts';
import { isFinal } from '../protocol/states.ts';
import type { GetOptions, WaitOptions } from './result.ts';
import { publicMeta } from './public-meta.ts';
import type { ResultSource } from './source.ts';

/**
 * The one loop in which results are waited for: the metas of these tasks as they come, each final one once; ends when all are final.
 * Throws TimeoutError when `timeout` is over (0: what is there at once, for which the store has two seconds), and the reason of `signal` when that aborts.
 */
export async function* waitFor(
  source: ResultSource,
  ids: readonly string[],
  options: WaitOptions & { readonly states: 'final' | 'all'; readonly onMessage?: (meta: StoredMeta) => void },
): AsyncGenerator<StoredMeta, void, void> {
  const open = new Set(ids);
  if (open.size === 0) return;
  options.signal?.throwIfAborted();
  const timeoutMs = timeoutOf(options);
  const isLook = timeoutMs !== undefined && timeoutMs <= 0;
  using _hold = source.hold();
  const backend = await source.backend();
  const ending = new AbortController();
  using patience = new Patience(options.signal);
  using _deadline =
    timeoutMs === undefined ? undefined : source.clock.schedule(isLook ? LOOK_MS : timeoutMs, () => patience.end(late(source, open, timeoutMs)));
  const metas = (isLook ? look(backend, ids) : backend.watch([...open], { states: options.states, signal: ending.signal }))[Symbol.asyncIterator]();
  try {
    for (;;) {
      // A store that hangs may keep its answer for minutes: that is not ours to wait for.
      const next = await patience.with(metas.next());
      if (next === undefined || next.done === true) break;
      const meta = next.value;
      if (isFinal(meta.status) && !open.delete(meta.task_id)) continue;
      options.onMessage?.(meta);
      yield meta;
      if (open.size === 0) return;
    }
  } finally {
    // One that has told all it was asked for has nothing left to be called off.
    if (open.size > 0) ending.abort(OVER);
    // Not waited for, as it may hang with the store; what it could say was said, or nobody listens any more.
    metas.return?.().catch(() => undefined);
  }
  if (patience.over !== undefined) throw patience.over.reason;
  throw isLook ? late(source, open, 0) : new CeleryError(`the result store stopped telling about ${named(open)}`);
}

/** How long the store may take to say what is there at once. */
const LOOK_MS = 2000;

async function* look(backend: Pick<ResultBackend, 'load'>, ids: readonly string[]): AsyncGenerator<StoredMeta, void, void> {
  for (const meta of await Promise.all([...new Set(ids)].map((id) => backend.load(id)))) if (meta !== undefined && isFinal(meta.status)) yield meta;
}

/** Ends with the caller's signal, or when it is told to. */
class Patience implements Disposable {
  /** Why nobody waits any more. */
  over: { readonly reason: unknown } | undefined;
  readonly #signal: AbortSignal | undefined;
  #giveUp: (() => void) | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Gives what a promise gives, or undefined as soon as it is over. A race with one promise for all would keep a reaction for every result there until the last. */
  with<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => resolve(undefined);
      promise.then(resolve, reject);
      if (this.over !== undefined) queueMicrotask(this.#giveUp);
    });
  }

  end(reason: unknown): void {
    this.over ??= { reason };
    this.#giveUp?.();
  }

  [Symbol.dispose](): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.end(this.#signal!.reason);
}

/** Undefined: for ever. What is no time limit must not be taken for none. */
function timeoutOf(options: WaitOptions | undefined): number | undefined {
  const timeout = options?.timeout as unknown;
  const timeoutMs = durationMs(timeout);
  const isGiven = timeout !== undefined && timeout !== null;
  if (timeoutMs !== undefined || (!isGiven && (options === undefined || typeof options === 'object'))) return timeoutMs;
  const given = isGiven ? timeout : options;
  throw new TypeError(`expected a time limit such as { timeout: 10 } (seconds) or { timeout: '500ms' }, not ${JSON.stringify(given) ?? String(given)}`);
}

/** Given, since an error made for each wait costs more than all else in it. */
const OVER = new CeleryError('nobody waits for this result any more');

/** The same for `get`: with final metas only, unless somebody wants to hear of the others. */
export function heard(source: ResultSource, ids: readonly string[], options: GetOptions | undefined): AsyncGenerator<StoredMeta, void, void> {
  timeoutOf(options);
  const { onMessage, ...waiting } = options ?? {};
  if (onMessage === undefined) return waitFor(source, ids, { ...waiting, states: 'final' });
  return waitFor(source, ids, { ...waiting, states: 'all', onMessage: (meta) => onMessage(publicMeta(meta, source)) });
}

function late(source: ResultSource, open: ReadonlySet<string>, timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `no result of ${named(open)} within ${Math.round(timeoutMs) / 1000} s (${source.describe()}). The task goes on: is a worker running that consumes its queue?`,
  );
}

function named(open: ReadonlySet<string>): string {
  const [first] = open;
  return open.size === 1 ? `task ${first}` : `${open.size} tasks (${first}, …)`;
}

const OPTIONS: Readonly<Record<keyof GetOptions, true>> = {
  timeout: true,
  signal: true,
  interval: true,
  propagate: true,
  followParents: true,
  disableSyncSubtasks: true,
  callback: true,
  onMessage: true,
};

/** A misspelled `timeout` would be waited without, for ever. */
export function checkNames(options: GetOptions | undefined): void {
  if (typeof options !== 'object' || options === null) return;
  for (const name of Object.keys(options)) if (!Object.hasOwn(OPTIONS, name)) throw notAnOption(name, Object.keys(OPTIONS), 'waiting for a result');
}

/** Celery's guard: a task that waits for another one may wait for ever, where its own slot is the one needed. */
export function guardJoin(source: ResultSource, options: GetOptions | undefined): void {
  if (options?.disableSyncSubtasks === false || !source.joinBlocks) return;
  throw new CeleryError(
    'never wait for a result inside a task: the slot of this one may be the one that the other needs. Link them (pipe, chain, chord), or pass { disableSyncSubtasks: false } if you know better',
    { code: 'SYNC_SUBTASK' },
  );
}
