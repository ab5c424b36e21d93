import { row } from './kind.ts';
import { duration, flag, text } from './kinds.ts';

/** Settings of remote control. */
export const controlSettings = {
  /** How the names of the exchanges of remote control begin. */
  controlExchange: row(text, 'celery'),
  /** Queues of remote control survive a restart of the broker. Cannot be exclusive too. */
  controlQueueDurable: row(flag, false),
  /** Queues of remote control belong to one connection. */
  controlQueueExclusive: row(flag, true),
  /** Delete the queue of a worker that has gone, after this time. */
  controlQueueExpires: row(duration, 10),
  /** How long a command waits for its worker. */
  controlQueueTtl: row(duration, 300),
};
