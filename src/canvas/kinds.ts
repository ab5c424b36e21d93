import { chunksGroup } from './chunks.ts';
import type { SignatureData } from '../protocol/signature.ts';

type Revive = (data: SignatureData) => { toJSON(): SignatureData };

const BUILT_IN = new Set(['chain', 'group', 'chord']);
/** Kinds of signature that users have registered, by the `subtask_type` on the wire: known to the whole process, as modules are. */
const kinds = new Map<string, Revive>();

export function registerKind(subtaskType: string, revive: Revive): void {
  if (subtaskType === '' || BUILT_IN.has(subtaskType)) {
    throw new TypeError(`a kind of signature needs a name of its own, not ${JSON.stringify(subtaskType)}`);
  }
  kinds.set(subtaskType, revive);
}

/** Whether signatures written so may hold some that `expanded` changes. */
export const mayExpand = (json: string): boolean => kinds.size > 0 || json.includes('celery.chunks');

/** A signature of a registered kind as what it stands for, a call of `celery.chunks` as its group; others as they are. */
export function expanded(data: SignatureData): SignatureData {
  if (data.subtask_type === null && data.task === 'celery.chunks') return chunksGroup(data);
  const revive = data.subtask_type === null ? undefined : kinds.get(data.subtask_type);
  if (revive === undefined) return data;
  const made = revive(data).toJSON();
  if (made.subtask_type === data.subtask_type) {
    throw new TypeError(`what is registered for the kind ${JSON.stringify(data.subtask_type)} must give a signature of another kind, such as a chain`);
  }
  return expanded(made);
}
