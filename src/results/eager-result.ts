import type { Json } from '../protocol/json.ts';
import { isFinal, type TaskState } from '../protocol/states.ts';
import type { AsyncResult, EagerResult, GetOptions, ResultMeta } from './result.ts';
import { TaskRevokedError } from '../errors.ts';
import { checkNames } from './wait.ts';
import { ResultWalks } from './walks.ts';

/** The result of a call that was run here and now: nothing is stored, everything is known. */
export class EagerHandle<R> extends ResultWalks implements EagerResult<R> {
  readonly id: string;
  readonly ignored = false;
  readonly parent: AsyncResult<unknown> | null = null;
  readonly #ended: { readonly value: R | undefined; readonly error: Error | undefined; readonly traceback: string | null };
  #state: TaskState;

  constructor(id: string, ended: { readonly state: TaskState; readonly value?: R; readonly error?: Error; readonly traceback?: string | null }) {
    super();
    this.id = id;
    this.#state = ended.state;
    this.#ended = { value: ended.value, error: ended.error, traceback: ended.traceback ?? null };
  }

  get value(): R | undefined {
    return this.#ended.value;
  }

  get error(): Error | undefined {
    return this.#state === 'REVOKED' ? new TaskRevokedError('revoked') : this.#ended.error;
  }

  get(options: GetOptions & { readonly propagate: false }): Promise<R | Error>;
  get(options?: GetOptions): Promise<R>;
  async get(options?: GetOptions): Promise<R | Error> {
    checkNames(options);
    if (this.#state === 'SUCCESS') {
      options?.callback?.(this.id, this.#ended.value);
      return this.#ended.value as R;
    }
    const { error } = this;
    // As in Celery: a task that was ignored, or is to be tried again, has nothing to give.
    if (error === undefined || !isFinal(this.#state)) return null as R;
    if (options?.propagate !== false) throw error;
    options.callback?.(this.id, error);
    return error;
  }

  ready(): Promise<boolean> {
    return Promise.resolve(true);
  }
  successful(): Promise<boolean> {
    return Promise.resolve(this.#state === 'SUCCESS');
  }
  failed(): Promise<boolean> {
    return Promise.resolve(this.#state === 'FAILURE');
  }
  exists(): Promise<boolean> {
    return Promise.resolve(true);
  }
  state(): Promise<TaskState> {
    return Promise.resolve(this.#state);
  }
  info<Meta = unknown>(): Promise<Meta> {
    return Promise.resolve((this.error ?? this.#ended.value ?? null) as Meta);
  }
  traceback(): Promise<string | null> {
    return Promise.resolve(this.#ended.traceback);
  }
  async meta(): Promise<ResultMeta> {
    return { taskId: this.id, status: this.#state, result: await this.info(), traceback: this.#ended.traceback, dateDone: null };
  }
  children(): Promise<readonly AsyncResult<unknown>[]> {
    return Promise.resolve([]);
  }
  async *updates(): AsyncGenerator<{ readonly state: TaskState; readonly info: unknown }, void, void> {
    yield { state: this.#state, info: await this.info() };
  }
  forget(): Promise<void> {
    return Promise.resolve();
  }
  /** It counts as revoked from now on: `get()` throws TaskRevokedError. */
  revoke(): Promise<void> {
    this.#state = 'REVOKED';
    return Promise.resolve();
  }
  /** It has run already, so there is nothing that could be kept from running. */
  revokeByStampedHeaders(): Promise<void> {
    return Promise.resolve();
  }
  toJSON(): Json {
    return [[this.id, null], null];
  }
}
