import type { Json } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { ResultNode } from './plan.ts';
import { bodyOf, stepsOf } from './signature-data.ts';

/** The result of a frozen signature, without what came before it. */
export function resultOf(signature: SignatureData): ResultNode {
  const id = signature.options['task_id'] as string;
  switch (signature.subtask_type) {
    case 'group':
      return { id, parent: null, children: stepsOf(signature.kwargs['tasks']).map(resultOf) };
    case 'chain':
      return resultOf(stepsOf(signature.kwargs['tasks']).at(-1)!);
    case 'chord':
      return resultOf(bodyOf(signature)!);
    default:
      return { id, parent: null, children: null };
  }
}

/** Celery's result tuple, as groups are saved: `[[id, parent], members]`. */
export const tupleOf = ({ id, children }: ResultNode): Json => [[id, null], children === null ? null : children.map(tupleOf)];
