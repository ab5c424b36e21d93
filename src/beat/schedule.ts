/** What an entry of the schedule is. `app` defines it, since apps hold entries (`addPeriodicTask`); here is where whoever writes a schedule looks for it. */
export type { AddedEntry, PeriodicOptions, PeriodicTask, Schedule, ScheduleLike, SchedulerFactory } from '../app/schedule.ts';
