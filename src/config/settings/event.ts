import { row } from './kind.ts';
import { duration, flag, orNull, serializer, text, umask } from './kinds.ts';

/** Settings of events, which monitors read. */
export const eventSettings = {
  /** Exchange that events go to. */
  eventExchange: row(text, 'celeryev', { old: 'CELERY_EVENT_EXCHANGE' }),
  /** Queues of event readers survive a restart of the broker. Cannot be exclusive too. */
  eventQueueDurable: row(flag, false, { old: 'CELERY_EVENT_QUEUE_DURABLE', built: false }),
  /** Queues of event readers belong to one connection. */
  eventQueueExclusive: row(flag, true, { old: 'CELERY_EVENT_QUEUE_EXCLUSIVE', built: false }),
  /** Delete the queue of an event reader that has gone, after this time. */
  eventQueueExpires: row(duration, 60, { old: 'CELERY_EVENT_QUEUE_EXPIRES', built: false }),
  /** How the names of those queues begin. */
  eventQueuePrefix: row(text, 'celeryev', { old: 'CELERY_EVENT_QUEUE_PREFIX', built: false }),
  /** How long an event waits for its reader. */
  eventQueueTtl: row(duration, 5, { old: 'CELERY_EVENT_QUEUE_TTL', built: false }),
  /** How events are written. */
  eventSerializer: row(serializer, 'json', { old: 'CELERY_EVENT_SERIALIZER' }),
  /** Program that daemons are started with (Python). */
  eventsExecutable: row(orNull(text), null, { built: false }),
  /** Group to run as. */
  eventsGid: row(orNull(text), null, { built: false }),
  /** File to log to. */
  eventsLogfile: row(orNull(text), null, { built: false }),
  /** File that holds the process id of `celery events`. */
  eventsPidfile: row(orNull(text), null, { built: false }),
  /** User to run as. */
  eventsUid: row(orNull(text), null, { built: false }),
  /** Mask of the files that a daemon makes. */
  eventsUmask: row(orNull(umask), null, { built: false }),
};
