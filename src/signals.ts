/** Placeholder until the table of signals is written beside it. */
export interface Signals {
  /** Whether anybody listens: callers build an event only then. */
  has(signal: string): boolean;
}
