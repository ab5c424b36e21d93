import { ImproperlyConfigured } from '../../errors.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';

/**
 * How long holds last (decisions.md 18–20). From `brokerTransportOptions`, where tests shorten them:
 * `lease_ms` 15,000 · `lease_renew_ms` 4,000 · `lease_look_ms` 5,000 · `visibility_timeout` 3,600 (seconds, as Celery's).
 */
export interface LeaseTimes {
  /** What nobody has renewed for so long has lapsed. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** Between two looks for owners that are gone, give or take a fifth, so that workers do not look in step. */
  readonly lookMs: number;
  /** An owner found gone is taken for lost when a look at least so much later finds it gone too: the next one, however early that comes. */
  readonly confirmMs: number;
  /** A worker whose event loop has not turned for so long is given up by its own lease thread. */
  readonly visibilityTimeoutMs: number;
}

export function leaseTimes(transportOptions: JsonObject): LeaseTimes {
  const lookMs = positive(transportOptions, 'lease_look_ms', 5000);
  const times: LeaseTimes = {
    leaseMs: positive(transportOptions, 'lease_ms', 15_000),
    renewMs: positive(transportOptions, 'lease_renew_ms', 4000),
    lookMs,
    confirmMs: lookMs * 0.7,
    visibilityTimeoutMs: positive(transportOptions, 'visibility_timeout', 3600) * 1000,
  };
  if (times.renewMs >= times.leaseMs) {
    throw new ImproperlyConfigured(
      `brokerTransportOptions: lease_renew_ms (${times.renewMs}) must be less than lease_ms (${times.leaseMs}), else every lease lapses before it is renewed`,
    );
  }
  return times;
}

function positive(options: JsonObject, name: string, otherwise: number): number {
  const value: Json | undefined = options[name];
  if (value === undefined || value === null) return otherwise;
  const number = Number(value);
  if (!(number > 0)) throw new ImproperlyConfigured(`brokerTransportOptions.${name}: a number above 0 was expected, but it is ${JSON.stringify(value)}`);
  return number;
}
