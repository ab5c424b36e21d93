import { pythonRepr } from '../kernel/repr.ts';
import { ErrorNames } from '../protocol/exception.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Outcome, Ran, TaskErrorData } from './outcome.ts';

/** Names of errors where the app has added none. */
export const knownErrors: ErrorNames = new ErrorNames();

/** For what never ran, or died on the way: nobody has looked into its body. */
const notRun: Ran = { runtimeMs: 0, children: [], endsHere: false };

/** The hard limit was over: the run was ended, or given up. Celery's form: the limit in seconds as the only argument, no traceback. */
export function hardLimitOutcome(limitMs: number, runtimeMs: number): Outcome {
  return { ...notRun, runtimeMs, state: 'FAILURE', error: errorData('TimeLimitExceeded', 'billiard.exceptions', [limitMs / 1000]) };
}

/** The process or thread that ran it ended. `how` says how: `signal 9 (SIGKILL)`, `exitcode 3`. */
export function workerLostOutcome(how: string, runtimeMs: number): Outcome {
  return { ...notRun, runtimeMs, state: 'FAILURE', error: errorData('WorkerLostError', 'billiard.exceptions', [`Worker exited prematurely: ${how}.`]) };
}

export function revokedOutcome(reason: 'expired' | 'revoked' | 'terminated', details?: { readonly signal?: string; readonly runtimeMs?: number }): Outcome {
  const { signal, runtimeMs = 0 } = details ?? {};
  return { ...notRun, runtimeMs, state: 'REVOKED', reason, ...(signal === undefined ? {} : { signal }) };
}

/** A FAILURE with an error at hand: an unknown task, a message that cannot be bound. */
export function failureOutcome(error: unknown, names: ErrorNames = knownErrors, ran: Ran = notRun): Outcome {
  return { ...ran, state: 'FAILURE', error: names.toData(error) };
}

export function revokedError(reason: string): TaskErrorData {
  return errorData('TaskRevokedError', 'celery.exceptions', [reason]);
}

export function chordError(message: string): TaskErrorData {
  return errorData('ChordError', 'celery.exceptions', [message]);
}

/** The three members that a meta's `result` holds of an error. */
export function errorResult(error: TaskErrorData): JsonObject {
  return { exc_type: error.exc_type, exc_message: error.exc_message, exc_module: error.exc_module };
}

function errorData(type: string, module: string, args: readonly (string | number)[]): TaskErrorData {
  const repr = args.map((arg) => pythonRepr(arg)).join(', ');
  return { exc_type: type, exc_message: args, exc_module: module, traceback: null, repr: `${type}(${repr})` };
}
