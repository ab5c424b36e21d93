import type { AppCore } from '../app/core.ts';

/** What the worker gives a pool. */
export interface PoolOptions {
  readonly core: AppCore;
  /** Node name of the worker, `celery@host`. */
  readonly hostname: string;
  /** Tasks at a time. */
  readonly concurrency: number;
  /** What children load: the value of `-A`, or the URL of the module that makes the app. Needed by prefork and threads. */
  readonly appModule?: string | undefined;
  /** Modules that children load after the app, as the worker did; beside those of the settings. */
  readonly include?: readonly string[] | undefined;
  /** A child is replaced after so many tasks; null for never. */
  readonly maxTasksPerChild?: number | null | undefined;
  /** A child that grew beyond this is replaced when its task has ended; null for never. */
  readonly maxMemoryPerChildKb?: number | null | undefined;
  /** Module that gives a child its core, for tests of pools alone; it exports `loadCore(config)`. */
  readonly bootstrap?: string | undefined;
}
