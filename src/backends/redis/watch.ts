import type { ResultMeta } from '../../protocol/result-meta.ts';
import { FINAL_STATES } from '../../protocol/states.ts';
import type { Subscription } from './backend.ts';

export interface WatchOptions {
  readonly states: 'final' | 'all';
  readonly signal: AbortSignal;
  /** Resolves when what is published from now on will be heard; rejects when `signal` aborts before. */
  readonly subscribe: (taskIds: readonly string[], onMeta: (read: () => ResultMeta) => void, signal: AbortSignal) => Promise<Subscription>;
  readonly load: (taskIds: readonly string[]) => Promise<readonly ResultMeta[]>;
}

/**
 * Listens first and then looks, so that nothing falls in between; after a lost connection both again. What is heard while the look goes on is told
 * at once. Ends when all are final or `signal` aborts.
 */
export async function* watchResults(taskIds: readonly string[], options: WatchOptions): AsyncGenerator<ResultMeta, void, void> {
  const inbox = new Inbox(taskIds, options.states);
  const { signal } = options;
  const onAbort = (): void => inbox.ring();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (inbox.isOpen && !signal.aborted) {
      inbox.listens();
      await using subscription = await options
        .subscribe(inbox.open, (read) => inbox.hear(read), signal)
        .catch((error: unknown) => {
          if (signal.aborted) return undefined;
          throw error;
        });
      if (subscription === undefined) return;
      void subscription.lost.then(() => inbox.ring());
      const look = (): Promise<readonly ResultMeta[]> => options.load(inbox.open);
      // The other connection is asked again and again, as is due to a store that is away.
      (subscription.stored?.catch(look) ?? look()).then(
        (stored) => inbox.addStored(stored),
        (error: unknown) => (signal.aborted ? undefined : inbox.fail(error)),
      );
      while (!subscription.isLost && !signal.aborted) {
        yield* inbox.empty();
        if (!inbox.isOpen) return;
        if (!subscription.isLost && !signal.aborted) await inbox.heard();
      }
      if (!signal.aborted) yield* inbox.empty();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What has come and was not fetched yet: the newest of each task, so it holds no more than was asked for. */
class Inbox {
  readonly #open: Set<string>;
  readonly #isAll: boolean;
  readonly #new = new Map<string, ResultMeta>();
  readonly #seen = new Map<string, string>();
  /** Told by the present subscription. */
  readonly #heard = new Set<string>();
  #error: unknown;
  #ring: (() => void) | undefined;
  #hasRung = false;

  constructor(taskIds: readonly string[], states: 'final' | 'all') {
    this.#open = new Set(taskIds);
    this.#isAll = states === 'all';
  }

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  get open(): readonly string[] {
    return [...this.#open];
  }

  /** A subscription is about to begin. */
  listens(): void {
    this.#heard.clear();
  }

  hear(read: () => ResultMeta): void {
    try {
      const meta = read();
      this.#heard.add(meta.task_id);
      this.#add(meta);
    } catch (error) {
      this.fail(error);
    }
  }

  /** What is heard is newer than what is found; only an end is an end, whoever tells it. */
  addStored(metas: readonly ResultMeta[]): void {
    for (const meta of metas) if (isFinalState(meta) || !this.#heard.has(meta.task_id)) this.#add(meta);
  }

  fail(error: unknown): void {
    this.#error ??= error;
    this.ring();
  }

  #add(meta: ResultMeta): void {
    if (!this.#open.has(meta.task_id)) return;
    const isFinal = isFinalState(meta);
    // A final one that waits is not pushed aside.
    const waiting = this.#new.get(meta.task_id);
    if ((waiting !== undefined && isFinalState(waiting)) || (!isFinal && !this.#isAll)) return;
    this.#new.set(meta.task_id, meta);
    this.ring();
  }

  *empty(): Generator<ResultMeta, void, void> {
    if (this.#error !== undefined) throw this.#error;
    for (const meta of this.#new.values()) {
      this.#new.delete(meta.task_id);
      const isFinal = isFinalState(meta);
      const text = isFinal ? '' : `${meta.status} ${meta.result.json}`;
      if (!isFinal && this.#seen.get(meta.task_id) === text) continue;
      if (isFinal) this.#open.delete(meta.task_id);
      else this.#seen.set(meta.task_id, text);
      yield meta;
    }
  }

  ring(): void {
    this.#hasRung = true;
    this.#ring?.();
  }

  heard(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = () => {
        this.#ring = undefined;
        this.#hasRung = false;
        resolve();
      };
      if (this.#hasRung) this.#ring();
    });
  }
}

const isFinalState = ({ status }: ResultMeta): boolean => (FINAL_STATES as readonly string[]).includes(status);
