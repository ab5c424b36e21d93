import type { Value } from '../protocol/json.ts';
import { readSignature, signatureData, type SignatureData } from '../protocol/signature.ts';

/** A call of `celery.chunks` is never sent: it is a group of starmaps of `n` rows each, with the options of the task that they run. */
export function chunksGroup({ kwargs, options }: SignatureData): SignatureData {
  const { task, it, n } = kwargs;
  const rows = (it ?? []) as readonly Value[];
  const size = Math.max(1, Number(n) || 1);
  const own = readSignature(task).options;
  const part = (index: number): SignatureData =>
    signatureData({ task: 'celery.starmap', kwargs: { task, it: rows.slice(index * size, (index + 1) * size) }, options: own, immutable: true });
  const tasks = Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => part(index));
  return signatureData({ task: 'celery.group', kwargs: { tasks }, options, subtask_type: 'group' });
}
