import { row } from './kind.ts';
import { count, duration, flag, orNull, periodicTasks, scheduler, text, umask } from './kinds.ts';

/** Settings of beat, which sends periodic tasks. */
export const beatSettings = {
  /** A crontab entry that was missed is made up for only within this time. */
  beatCronStartingDeadline: row(orNull(duration), null, { old: 'CELERYBEAT_CRON_STARTING_DEADLINE', built: false }),
  /** Beat answers `inspect ping`. */
  beatEnableRemoteControl: row(flag, false, { built: false }),
  /** Program that daemons are started with (Python). */
  beatExecutable: row(orNull(text), null, { built: false }),
  /** Group to run as. */
  beatGid: row(orNull(text), null, { built: false }),
  /** File to log to. */
  beatLogfile: row(orNull(text), null, { built: false }),
  /** Longest sleep between two looks at the schedule. 0 is the scheduler's own. */
  beatMaxLoopInterval: row(duration, 0, { old: 'CELERYBEAT_MAX_LOOP_INTERVAL', built: false }),
  /** File that holds beat's process id. */
  beatPidfile: row(orNull(text), null, { built: false }),
  /** Without a look at the schedule for this long, beat stops answering. Null is twice the loop interval, at least a minute; 0 for never. */
  beatRemoteControlMaxTickAge: row(orNull(duration), null, { built: false }),
  /** What to send when: entries by name. */
  beatSchedule: row(periodicTasks, {}, { old: 'CELERYBEAT_SCHEDULE', built: false }),
  /** File in which beat keeps when each entry last ran. */
  beatScheduleFilename: row(text, 'celerybeat-schedule', { old: 'CELERYBEAT_SCHEDULE_FILENAME', built: false }),
  /** Where the schedule is kept: a name, or a function. */
  beatScheduler: row(scheduler, 'celery.beat:PersistentScheduler', { old: 'CELERYBEAT_SCHEDULER', built: false }),
  /** Write the schedule's state after this many tasks. 0 goes by time alone. */
  beatSyncEvery: row(count, 0, { old: 'CELERYBEAT_SYNC_EVERY', built: false }),
  /** User to run as. */
  beatUid: row(orNull(text), null, { built: false }),
  /** Mask of the files that a daemon makes. */
  beatUmask: row(orNull(umask), null, { built: false }),
};
