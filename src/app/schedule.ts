import type { ApplyOptions } from '../canvas/call-options.ts';
import type { Celery } from './celery.ts';
import type { Duration } from '../kernel/duration.ts';
import type { Json } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';

/** When something runs. Write your own with one method. */
export interface Schedule {
  /** The first moment after `after`; null for never again. */
  next(after: Date): Date | null;
  toJSON?(): Json;
}
/** Every so often, or a schedule. */
export type ScheduleLike = Duration | Schedule;

export interface PeriodicOptions {
  /** Default: made of the task's name, schedule and arguments. */
  readonly name?: string;
  readonly options?: ApplyOptions;
  /** Aligned to the clock. */
  readonly relative?: boolean;
  readonly enabled?: boolean;
}

/** An entry of `beatSchedule`. */
export interface PeriodicTask extends Omit<PeriodicOptions, 'name'> {
  readonly task: string | { readonly name: string };
  readonly schedule: ScheduleLike;
  /** Values, or a function called each time the entry is sent. */
  readonly args?: readonly unknown[] | (() => readonly unknown[]);
  readonly kwargs?: Readonly<Record<string, unknown>> | (() => Readonly<Record<string, unknown>>);
}

/** A scheduler of your own: where beat's entries come from. */
export type SchedulerFactory = (app: Celery) => AsyncDisposable & { entries(): Promise<readonly PeriodicTask[]> };

/** An entry that `addPeriodicTask` has added: its whole signature is sent, which may be a workflow. */
export interface AddedEntry extends PeriodicTask {
  readonly signature: SignatureData;
}
