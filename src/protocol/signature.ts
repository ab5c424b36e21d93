import type { Value, ValueMap } from './json.ts';
/** A task call, written down but not yet made. Plain frozen data: safe to send, to store and to compare. Foreign keys are kept. */
export interface SignatureData extends ValueMap {
  readonly task: string;
  readonly args: readonly Value[];
  readonly kwargs: ValueMap;
  readonly options: ValueMap;
  /** 'chain', 'group', 'chord', or a registered kind; null for the rest (also map, starmap and chunks: wire.md 2). */
  readonly subtask_type: string | null;
  readonly immutable: boolean;
}
