import type { Instant } from '../errors.ts';
import { durationMs, type Duration } from '../kernel/duration.ts';

/** The text of the millisecond that was last asked for: results of one tick share it. */
const cache = { ms: -1, text: '' };

/** UTC with six digits, as Celery writes `date_done` and `eta`: `2026-11-22T09:42:17.388000+00:00`. */
export function wireMoment(ms: number): string {
  if (cache.ms !== ms) {
    cache.text = `${new Date(ms).toISOString().slice(0, -1)}000+00:00`;
    cache.ms = ms;
  }
  return cache.text;
}

/** Milliseconds since the epoch; undefined when it is not a moment. */
function instantMs(instant: Instant): number | undefined {
  const ms = typeof instant === 'string' ? Date.parse(instant) : instant instanceof Date ? instant.getTime() : instant.epochMilliseconds;
  return Number.isFinite(ms) ? ms : undefined;
}

/** Milliseconds since the epoch of a moment, or of `now` and a duration. */
export function momentMs(given: Duration | Instant, now: number): number | undefined {
  if (typeof given === 'object') return instantMs(given);
  const wait = durationMs(given);
  return wait === undefined ? instantMs(given as Instant) : now + wait;
}
