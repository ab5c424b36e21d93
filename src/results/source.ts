import type { ResultBackend } from '../backends/backend.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Json } from '../protocol/json.ts';
import type { ResultMeta as StoredMeta } from '../protocol/result-meta.ts';
import type { RevokeOptions } from './result.ts';

/** What handles on results need of the app. */
export interface ResultSource {
  readonly clock: Clock;
  /** Wrap what is asked of it in `hold`, or ask through `asking`. */
  backend(): Promise<ResultBackend>;
  /** The error that a FAILURE, REVOKED or RETRY tells of, as an instance of its class where that is known here. */
  errorOf(meta: StoredMeta): Error;
  /** Whether waiting here could block the worker that must run what is waited for (a task of a pool without free slots). */
  readonly joinBlocks: boolean;
  /** A stored value with those of types that the app was taught. */
  unpack<T>(value: T): T;
  revoke(ids: readonly string[], options: RevokeOptions): Promise<void>;
  revokeByStamps(headers: Readonly<Record<string, Json>>, options: RevokeOptions): Promise<void>;
  /** Where results are kept, for the message of a TimeoutError. */
  describe(): string;
  /** Keeps the process alive until disposed of: idle sockets do not. */
  hold(): Disposable;
}

/** Asks the store something, and keeps the process alive until it has answered. */
export async function asking<T>(source: ResultSource, ask: (backend: ResultBackend) => Promise<T>): Promise<T> {
  using _hold = source.hold();
  return await ask(await source.backend());
}
