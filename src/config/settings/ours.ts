import { row } from './kind.ts';
import { count, oneOf } from './kinds.ts';

/** Settings that Celery does not have. */
export const ourSettings = {
  /** Larger messages are put with the dead letters, not read. In bytes. */
  brokerMaxMessageBytes: row(count, 64 * 1024 * 1024, { ours: true }),
  /** The oldest Celery in the cluster: what it cannot read is not written. */
  oldestPeer: row(oneOf('5.2', '5.7'), '5.2', { ours: true }),
};
