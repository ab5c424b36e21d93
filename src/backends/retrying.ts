import { BackendGetMetaError, BackendStoreError, OperationalError } from '../errors.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { ResultBackend } from './backend.ts';
import { decorated } from './decorated.ts';

/** `resultBackendMaxRetries` and the pauses between tries. */
export interface BackendRetries {
  /** Null: for ever. */
  readonly maxRetries: number | null;
  readonly baseSleepMs: number;
  readonly maxSleepMs: number;
}

/**
 * The same store, whose questions are asked again while it is away (`resultBackendAlwaysRetry`): after a random part of a pause that doubles each time, as
 * Celery does, so that many clients do not come back at one moment. When the tries are used up it is BackendStoreError for what was to be written,
 * BackendGetMetaError for what was to be read. What is refused for good is not tried again, and chords have a patience of their own.
 */
export function retrying(
  backend: ResultBackend,
  policy: BackendRetries,
  { clock, log, random = Math.random }: { readonly clock: Clock; readonly log: Logger; readonly random?: () => number },
): ResultBackend {
  const again = async <T>(what: string, ask: () => Promise<T>, GivenUp: new (message: string, options?: ErrorOptions) => Error): Promise<T> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        if (policy.maxRetries !== null && attempt >= policy.maxRetries) {
          throw new GivenUp(`${what}: the result store was away for ${attempt + 1} tries (resultBackendMaxRetries): ${error.message}`, { cause: error });
        }
        const waitMs = Math.min(policy.maxSleepMs, policy.baseSleepMs * 2 ** attempt) * random();
        log.warn(`${what}; trying again in ${Math.round(waitMs)} ms`, { error });
        await clock.sleep(waitMs);
      }
    }
  };
  const write = (what: string, ask: () => Promise<void>): Promise<void> => again(what, ask, BackendStoreError);
  const read = <T>(what: string, ask: () => Promise<T>): Promise<T> => again(what, ask, BackendGetMetaError);
  return decorated(backend, {
    save: (meta, options) => write(`The result of ${meta.task_id} could not be stored`, () => backend.save(meta, options)),
    load: (taskId) => read(`The result of ${taskId} could not be read`, () => backend.load(taskId)),
    forget: (taskIds) => write('Results could not be forgotten', () => backend.forget(taskIds)),
    saveGroup: (groupId, tree) => write(`The group ${groupId} could not be stored`, () => backend.saveGroup(groupId, tree)),
    loadGroup: (groupId) => read(`The group ${groupId} could not be read`, () => backend.loadGroup(groupId)),
    forgetGroup: (groupId) => write(`The group ${groupId} could not be forgotten`, () => backend.forgetGroup(groupId)),
  });
}
