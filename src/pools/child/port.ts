import type { FromChild, ToChild } from '../ipc.ts';

/** A child's end of the channel to its pool, and what its kind of child is able to do. */
export interface ChildPort {
  readonly pid: number;
  onBatch(listener: (batch: readonly ToChild[]) => void): void;
  /** `sent` is called when the batch has left this process (or thread). */
  send(batch: readonly FromChild[], sent?: () => void): void;
  /** Notes, where the pool can read it after this child's death, which job has begun. */
  markStarted(seq: number): void;
  /** Resident memory, or that of the thread. */
  memoryKb(): number;
  exit(code: number): void;
}

/** What a child is told when it is made. */
export interface ChildConfig {
  readonly appModule: string;
  readonly include: readonly string[];
  readonly bootstrap: string | null;
  readonly hostname: string;
  readonly reportsMemory: boolean;
}
