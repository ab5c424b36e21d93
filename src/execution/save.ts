import type { SaveOptions } from '../backends/backend.ts';
import { BackendStoreError, ImproperlyConfigured, OperationalError } from '../errors.ts';
import { retry } from '../kernel/retry.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { TaskState } from '../protocol/states.ts';
import type { ExecutionEnv } from './env.ts';
import { shortenedMeta } from './shortened-meta.ts';

/** While the store is away: half a second more after each try, at most half a minute, for as long as the worker lives. */
const PATIENCE = { maxRetries: null, intervalStartMs: 500, intervalStepMs: 500, intervalMaxMs: 30_000 };

type Env = Pick<ExecutionEnv, 'backend' | 'clock' | 'log' | 'signal'>;

/** Stores a meta, however long that takes: a late ack waits for its result. Other errors than a lost store are thrown: BackendStoreError where it refuses this one. */
export function saved(meta: ResultMeta, env: Env, options?: SaveOptions): Promise<void> {
  return env.backend.save(meta, options).catch((error: unknown) => savedAfter(error, meta, env, options));
}

/** The same for errors: of one that the store refuses, the beginning is stored; if that is refused, too, it is logged, and whatever follows goes on without it. */
export async function savedIfAccepted(meta: ResultMeta, env: Env, options?: SaveOptions): Promise<void> {
  const refused = await refusal(saved(meta, env, options));
  if (refused === undefined) return;
  const what = `${meta.status} of task ${meta.task_id}`;
  const shortened = shortenedMeta(meta);
  if (shortened !== undefined && (await refusal(saved(shortened, env, later(meta, options)))) === undefined)
    env.log.error(`${what} is stored without the whole of its text: ${refused.message}`);
  else env.log.error(`${what} is not stored: ${refused.message}`);
}

/** What a store has against a meta; undefined where it took it. */
function refusal(saving: Promise<void>): Promise<BackendStoreError | undefined> {
  return saving.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof BackendStoreError) return error;
      throw error;
    },
  );
}

/**
 * Asks the store again and again while it is away, or is not set up for us yet (a wrong password): what has run must not be for nothing.
 * `failed`: what could not be done, for the log.
 */
export function patiently<T>(action: () => Promise<T>, failed: string, env: Pick<Env, 'clock' | 'log' | 'signal'>): Promise<T> {
  return action().catch((error: unknown) => again(error, action, failed, env));
}

/** What `saved` does when the first try has failed so; for who makes that try without a promise more. */
export function savedAfter(error: unknown, meta: ResultMeta, env: Env, options?: SaveOptions): Promise<void> {
  return again(error, () => env.backend.save(meta, later(meta, options)), `The result of ${meta.task_id} could not be stored`, env);
}

/**
 * What a try after the first may write over: the retry that a RETRY tells of may have ended in between. A state of the task's own stays until that begins,
 * for a store takes the names of what may go, and those nobody knows.
 */
const later = (meta: ResultMeta, options: SaveOptions | undefined): SaveOptions | undefined =>
  meta.status === 'RETRY' ? { ...options, over: BEFORE_AN_END } : options;
const BEFORE_AN_END: readonly TaskState[] = ['PENDING', 'RECEIVED', 'STARTED', 'RETRY'];

async function again<T>(error: unknown, action: () => Promise<T>, failed: string, env: Pick<Env, 'clock' | 'log' | 'signal'>): Promise<T> {
  if (!isUnreachable(error)) throw error;
  env.log.warn(`${failed}; trying again until it is`, { error });
  return retry(action, PATIENCE, { clock: env.clock, isRetryable: isUnreachable, signal: env.signal });
}

/** Nothing was said about this meta: the store could not be asked. */
export const isUnreachable = (error: unknown): boolean => error instanceof OperationalError || error instanceof ImproperlyConfigured;
