import type { WireMessage } from '../../protocol/wire-message.ts';

/**
 * How long a store that knows a time to live keeps this message for a consumer: the shorter of the message's own life and its
 * queue's `x-message-ttl`; undefined is for ever.
 *
 * A task that says itself when it expires lives on: the worker that meets it stores REVOKED, as on Redis, where nothing drops it.
 * A store could only let it vanish, and whoever waits for its result would wait for ever.
 */
export function lifeMs({ headers, properties }: WireMessage, queueTtlMs: number | undefined): number | undefined {
  const isTask = typeof headers['task'] === 'string' && typeof headers['expires'] === 'string';
  const ownMs = isTask ? undefined : properties.expirationMs;
  return ownMs === undefined || queueTtlMs === undefined ? (ownMs ?? queueTtlMs) : Math.min(ownMs, queueTtlMs);
}
