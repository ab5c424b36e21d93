import type { SaveOptions } from '../backends/backend.ts';
import { OperationalError } from '../errors.ts';
import { retry } from '../kernel/retry.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { ExecutionEnv } from './env.ts';

/** While the store is away: half a second more after each try, at most half a minute, for as long as the worker lives. */
const PATIENCE = { maxRetries: null, intervalStartMs: 500, intervalStepMs: 500, intervalMaxMs: 30_000 };

/** Stores a meta, however long that takes: a late ack waits for its result. Other errors than a lost store are thrown. */
export function saved(meta: ResultMeta, env: Pick<ExecutionEnv, 'backend' | 'clock' | 'log' | 'signal'>, options?: SaveOptions): Promise<void> {
  return env.backend.save(meta, options).catch((error: unknown) => {
    if (!(error instanceof OperationalError)) throw error;
    env.log.warn(`The result of ${meta.task_id} could not be stored; trying again until it is`, { error });
    return retry(() => env.backend.save(meta, options), PATIENCE, {
      clock: env.clock,
      isRetryable: (again) => again instanceof OperationalError,
      signal: env.signal,
    });
  });
}
