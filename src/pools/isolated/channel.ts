import type { FromChild, ToChild } from '../ipc.ts';

/** A pool's end of the channel to one child, process or thread. */
export interface Channel {
  readonly pid: number;
  send(batch: readonly ToChild[]): void;
  /** Ends it by force. Processes take signals; a thread is terminated whatever the signal. */
  kill(signal: NodeJS.Signals): void;
  /** The number of the last job that it has begun; also after its death. */
  lastStarted(): number;
  /** Lets go of what `lastStarted` needs. */
  close(): void;
}

/** Makes a child. The listeners hear every batch it sent before they hear of its end. */
export type Spawn = (listeners: { onBatch(batch: readonly FromChild[]): void; onGone(how: string): void }) => Channel;
