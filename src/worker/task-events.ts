import { constants } from 'node:os';
import { field, jsonString } from '../events/dispatcher.ts';
import type { EventDispatcher } from '../events/dispatcher.ts';
import type { Outcome } from '../execution/outcome.ts';
import type { ReceivedTask } from '../protocol/task-message.ts';

/* What a worker tells about a task (wire.md 7). Callers look at `events.sendsTasks` first. */

export function taskReceived(events: EventDispatcher, { headers }: ReceivedTask): void {
  const { argsrepr, eta, expires, id, kwargsrepr, parent_id, retries, root_id, task } = headers;
  events.task(
    'task-received',
    id,
    `,"name":${jsonString(task)},"args":${textOrNull(argsrepr)},"kwargs":${textOrNull(kwargsrepr)},"root_id":${textOrNull(root_id)}` +
      `,"parent_id":${textOrNull(parent_id)},"retries":${retries},"eta":${textOrNull(eta)},"expires":${textOrNull(expires)}`,
  );
}

export function taskStarted(events: EventDispatcher, id: string): void {
  events.task('task-started', id, '');
}

export function taskEnded(events: EventDispatcher, id: string, outcome: Outcome): void {
  switch (outcome.state) {
    case 'SUCCESS':
      return events.task('task-succeeded', id, `,"result":${jsonString(outcome.repr ?? outcome.valueJson)},"runtime":${outcome.runtimeMs / 1000}`);
    case 'FAILURE':
      return events.task('task-failed', id, errorFields(outcome.error));
    case 'RETRY':
      return events.task('task-retried', id, errorFields(outcome.error));
    case 'REVOKED':
      return taskRevoked(events, id, outcome);
    case 'REJECTED':
      if (!outcome.requeue) events.task('task-failed', id, errorFields(outcome.error));
      return events.task('task-rejected', id, `,"requeue":${outcome.requeue}`);
    case 'REPLACED':
    case 'IGNORED':
      return undefined;
  }
}

export function taskRevoked(events: EventDispatcher, id: string, { reason, signal }: Pick<Extract<Outcome, { state: 'REVOKED' }>, 'reason' | 'signal'>): void {
  const isTerminated = reason === 'terminated';
  // Celery sends the number, as text.
  const signum = signal === undefined ? null : String(constants.signals[signal as NodeJS.Signals] ?? signal);
  events.task('task-revoked', id, `,"terminated":${isTerminated},"signum":${textOrNull(signum)},"expired":${reason === 'expired'}`);
}

const errorFields = (error: { readonly repr: string; readonly traceback: string | null }): string =>
  `,"exception":${jsonString(error.repr)}${error.traceback === null ? '' : field('traceback', error.traceback)}`;

const textOrNull = (text: string | null): string => (text === null ? 'null' : jsonString(text));
