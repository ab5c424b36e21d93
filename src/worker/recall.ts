import type { WorkerContext } from './context.ts';

/**
 * What waits in the broker for its eta and has been revoked need not wait: whoever takes it now has heard the revoke, and stores and counts it as revoked.
 * In its own time it might come when all who knew are gone. Never rejects.
 */
export async function recall({ link, log, stopped }: Pick<WorkerContext, 'link' | 'log' | 'stopped'>, taskIds: readonly string[]): Promise<void> {
  try {
    await (await link.connection(stopped)).recall?.(taskIds);
  } catch (error) {
    log.warn(`could not look for revoked tasks among those that wait in the broker for their time: ${taskIds.join(', ')}`, { error });
  }
}
