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

/** Celery's result tuple, as groups are saved and children are recorded: `[[id, parent], members]`. */
export const tupleOf = ({ id, parent, children }: ResultNode): Json => [
  [id, parent === null ? null : tupleOf(parent)],
  children === null ? null : children.map(tupleOf),
];

/**
 * What a running task that sends this has as its child: what begins, as Celery records it. Of a chain that is the first step, of a chord its
 * header, of a group the group. `result` is the whole's, whose ancestors say how the members of a group are reached.
 */
export function childOf(signature: SignatureData, result: ResultNode): ResultNode {
  switch (signature.subtask_type) {
    case 'chain':
      return childOf(stepsOf(signature.kwargs['tasks'])[0]!, top(result));
    case 'chord': {
      const header = top(result);
      return header.children?.length === 0 ? { ...resultOf(signature), parent: null } : header;
    }
    default:
      return result;
  }
}

/** The first of the results that lead to this one. */
function top(node: ResultNode): ResultNode {
  return node.parent === null ? node : top(node.parent);
}
