import { row } from './kind.ts';
import { flag, names, orNull, text } from './kinds.ts';

/** Settings that belong to no part alone. */
export const generalSettings = {
  /** Serializers and content types that are read in messages. */
  acceptContent: row(names, ['json'], { old: 'CELERY_ACCEPT_CONTENT' }),
  /** Write times in messages as UTC. */
  enableUtc: row(flag, true, { built: false }),
  /** Modules that a worker loads when it starts. */
  imports: row(names, [], { old: 'CELERY_IMPORTS' }),
  /** More of them, after `imports`. */
  include: row(names, [], { old: 'CELERY_INCLUDE' }),
  /** Time zone of schedules, such as `Europe/Berlin`. Null is UTC. */
  timezone: row(orNull(text), null, { old: 'CELERY_TIMEZONE', built: false }),
};
