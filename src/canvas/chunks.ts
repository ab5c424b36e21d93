import type { Value } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import { groupData, stepsOf } from './signature-data.ts';

/** A call of `celery.chunks` is never sent: it is a group of starmaps of `n` rows each. */
export function chunksGroup(signature: SignatureData): SignatureData {
  const { task, it, n } = signature.kwargs;
  const rows = (it ?? []) as readonly Value[];
  const size = Math.max(1, Number(n) || 1);
  const { options } = stepsOf(task)[0]!;
  const part = (index: number): SignatureData =>
    signatureData({ task: 'celery.starmap', kwargs: { task, it: rows.slice(index * size, (index + 1) * size) }, options, immutable: true });
  return { ...groupData(Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => part(index))), options: signature.options };
}
