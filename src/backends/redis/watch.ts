import type { ResultMeta } from '../../protocol/result-meta.ts';
import { isFinal } from '../../protocol/states.ts';

export interface WatchOptions {
  readonly states: 'final' | 'all';
  readonly signal: AbortSignal;
  /** Resolves when what is published from now on will be heard; rejects when `signal` aborts before. Both listeners are called until the subscription is disposed of. */
  readonly subscribe: (taskIds: readonly string[], listener: WatchListener, signal: AbortSignal) => Promise<Subscription>;
  readonly load: (taskIds: readonly string[]) => Promise<readonly ResultMeta[]>;
}

export interface WatchListener {
  /** Something has been published: `read` decodes it. */
  hear(read: () => ResultMeta): void;
  /** Nothing more will be heard by this subscription. */
  lost(): void;
}

export interface Subscription extends Disposable {
  readonly isLost: boolean;
  /** What was there when it began, where the connection that listens could be asked in the same breath. */
  readonly stored: Promise<readonly ResultMeta[]> | undefined;
}

/**
 * Listens first and then looks, so that nothing falls in between; after a lost connection both again. What is heard while the look goes on is told
 * at once. Ends when all are final or the signal aborts. No generator: somebody waits for each single one of these, and every promise in between is time.
 */
export class ResultWatch implements AsyncIterableIterator<ResultMeta, void, void>, WatchListener {
  readonly #options: WatchOptions;
  readonly #open: Set<string>;
  /** What has come and was not fetched yet: the newest of each task, so it holds no more than was asked for. */
  readonly #new = new Map<string, ResultMeta>();
  readonly #told = new Map<string, string>();
  /** Told by the present subscription. */
  readonly #heard = new Set<string>();
  /** Who has asked for the next and is to get it. */
  readonly #waiting: { readonly resolve: (result: IteratorResult<ResultMeta, void>) => void; readonly reject: (error: unknown) => void }[] = [];
  #subscription: Subscription | undefined;
  #state: 'new' | 'listening' | 'over' = 'new';
  #failure: { readonly error: unknown } | undefined;

  constructor(taskIds: readonly string[], options: WatchOptions) {
    this.#open = new Set(taskIds);
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ResultMeta, void>> {
    if (this.#state === 'new') this.#begin();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<ResultMeta, void>> {
    this.#end();
    return Promise.resolve(OVER);
  }

  hear(read: () => ResultMeta): void {
    try {
      const meta = read();
      this.#heard.add(meta.task_id);
      this.#add(meta);
    } catch (error) {
      this.#fail(error);
    }
    this.#serve();
  }

  lost(): void {
    // What is lost before it is here is seen to when it comes.
    if (this.#subscription === undefined) return;
    this.#subscription[Symbol.dispose]();
    this.#subscription = undefined;
    this.#listen();
  }

  #begin(): void {
    const { signal } = this.#options;
    if (this.#open.size === 0 || signal.aborted) return this.#stop();
    this.#state = 'listening';
    signal.addEventListener('abort', this.#end, { once: true });
    this.#listen();
  }

  readonly #end = (): void => {
    this.#stop();
    this.#serve();
  };

  #stop(): void {
    if (this.#state === 'listening') this.#options.signal.removeEventListener('abort', this.#end);
    this.#state = 'over';
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
  }

  #listen(): void {
    this.#heard.clear();
    this.#options.subscribe([...this.#open], this, this.#options.signal).then(
      (subscription) => this.#listens(subscription),
      (error: unknown) => this.#fail(error),
    );
  }

  #listens(subscription: Subscription): void {
    if (this.#state === 'over' || subscription.isLost) {
      subscription[Symbol.dispose]();
      return this.#state === 'over' ? undefined : this.#listen();
    }
    this.#subscription = subscription;
    const look = (): Promise<readonly ResultMeta[]> => this.#options.load([...this.#open]);
    // The other connection is asked again and again, as is due to a store that is away.
    (subscription.stored?.catch(look) ?? look()).then(
      (metas) => this.#found(metas),
      (error: unknown) => this.#fail(error),
    );
  }

  /** What is heard is newer than what is found; only an end is an end, whoever tells it. */
  #found(metas: readonly ResultMeta[]): void {
    for (const meta of metas) if (isFinal(meta.status) || !this.#heard.has(meta.task_id)) this.#add(meta);
    this.#serve();
  }

  #add(meta: ResultMeta): void {
    if (!this.#open.has(meta.task_id)) return;
    const isEnd = isFinal(meta.status);
    // A final one that waits is not pushed aside.
    const unread = this.#new.get(meta.task_id);
    if ((unread !== undefined && isFinal(unread.status)) || (!isEnd && this.#options.states === 'final')) return;
    this.#new.set(meta.task_id, meta);
  }

  #fail(error: unknown): void {
    if (this.#state !== 'listening') return;
    this.#failure = { error };
    this.#end();
  }

  /** Hands what has come to those who wait. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      const next = this.#next();
      if (next !== undefined) this.#waiting.shift()!.resolve(next);
      else if (this.#failure !== undefined) {
        this.#waiting.shift()!.reject(this.#failure.error);
        this.#failure = undefined;
      } else if (this.#state === 'over') this.#waiting.shift()!.resolve(OVER);
      else return;
    }
  }

  /** What has come and is to be told; none any more once it is over. */
  #next(): IteratorResult<ResultMeta, void> | undefined {
    if (this.#state === 'over') return undefined;
    for (const meta of this.#new.values()) {
      this.#new.delete(meta.task_id);
      if (isFinal(meta.status)) {
        this.#open.delete(meta.task_id);
        if (this.#open.size === 0) this.#stop();
      } else {
        const text = `${meta.status} ${meta.result.json}`;
        if (this.#told.get(meta.task_id) === text) continue;
        this.#told.set(meta.task_id, text);
      }
      return { value: meta, done: false };
    }
    return undefined;
  }
}

const OVER = { value: undefined, done: true } as const;
