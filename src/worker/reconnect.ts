import { exponentialBackoffMs } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { startAll, stopAll } from '../kernel/service.ts';
import type { Service } from '../kernel/service.ts';
import type { BrokerLink } from '../messaging/link.ts';
import { withDeadline } from './deadline.ts';

/** What is still open on a lost connection may take this long to end. */
const STOP_MS = 5000;
/** Between attempts to start again; while the broker is away the link waits by itself. */
const MAX_WAIT_MS = 2000;

export interface Reconnection {
  readonly link: BrokerLink;
  readonly services: readonly Service[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the worker stops. */
  readonly signal: AbortSignal;
}

/**
 * After a loss: stops what requires the connection, waits until the broker is back, starts it again. A start that fails, even for a reason that is not
 * the connection's (a queue that our own dead connection still holds), is tried again: only a stop ends this.
 */
export async function reconnect({ link, services, clock, log, signal }: Reconnection): Promise<void> {
  let said: string | undefined;
  for (let failures = 0; !signal.aborted;) {
    try {
      await withDeadline(clock, STOP_MS, (late) => stopAll(services, late));
    } catch (error) {
      log.debug('not everything on the lost connection ended in order', { error });
    }
    try {
      await link.connection(signal);
      if (signal.aborted) return;
      await startAll(services);
      return log.info(`consuming from ${link.address} again`);
    } catch (error) {
      if (signal.aborted) return;
      // One reason is one line, however often it is tried.
      const text = String(error);
      (said === text ? log.debug : log.error)('could not start again after the connection was lost; trying again', { error });
      said = text;
      await clock.sleep(exponentialBackoffMs(failures++, { factorMs: 500, maxMs: MAX_WAIT_MS }), signal).catch(() => undefined);
    }
  }
}
