import { newId } from '../kernel/ids.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { EagerHandle } from '../results/eager-result.ts';
import type { AsyncResult } from '../results/result.ts';
import { flatSteps } from './steps.ts';

/** What a chain without steps gives when it is sent: nothing leaves, and its result, null, is there. Undefined where there is something to send. */
export function nothingToSend(signature: SignatureData): AsyncResult<unknown> | undefined {
  if (signature.subtask_type !== 'chain' || flatSteps(signature).length > 0) return undefined;
  return new EagerHandle<unknown>((signature.options['task_id'] as string | undefined) ?? newId(), { state: 'SUCCESS', value: null });
}
