import { newId } from '../kernel/ids.ts';
import { encoded } from '../protocol/json-text.ts';
import type { Json, Value } from '../protocol/json.ts';
import { readSignature, signatureData } from '../protocol/signature.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { ReceivedTask, TaskBody } from '../protocol/task-message.ts';
import type { ExecutionEnv } from './env.ts';

/** Whose failure calls the errbacks, and under which root: the failed task's, or those of a chord's body that never ran. */
export interface Failed {
  readonly id: string;
  readonly rootId: string;
}

/**
 * Sends errbacks as one new group with the failed id as argument, as Celery does. Those that run in process (`app.errback`) are left out:
 * they run where tasks run, in `RunnableTask.after`. What goes wrong here is logged: the failure itself is stored already.
 */
export async function sendErrbacks(errbacks: readonly SignatureData[] | null, failed: Failed, because: ReceivedTask, env: ExecutionEnv): Promise<Json[]> {
  const tasks = (errbacks ?? []).filter((errback) => env.isErrback?.(errback.task) !== true);
  if (tasks.length === 0) return [];
  const options = { task_id: newId(), parent_id: failed.id, root_id: failed.rootId };
  try {
    return [await env.start(groupOf(tasks, options), because, encoded(failed.id))];
  } catch (error) {
    env.log.error(`Errbacks of task ${because.headers.task}[${failed.id}] could not be sent`, { error });
    return [];
  }
}

/** The errbacks of a body that run in process. */
export function localErrbacks(body: TaskBody, isErrback: (name: string) => boolean): readonly SignatureData[] {
  return (body.embed.errbacks ?? []).filter((errback) => isErrback(errback.task));
}

export function groupOf(tasks: readonly SignatureData[], options: SignatureData['options'] = {}): SignatureData {
  return signatureData({ task: 'celery.group', kwargs: { tasks }, options, subtask_type: 'group' });
}

/** Signatures in an option: one, a list of them, or none. */
export function signaturesIn(option: Value | undefined): readonly SignatureData[] {
  if ((option ?? null) === null) return [];
  return (Array.isArray(option) ? (option as readonly Value[]) : [option]).map(readSignature);
}
