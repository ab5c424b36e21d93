/** What a worker has done since it started. */
export class Counters {
  /** Started, by task name. */
  readonly total = new Map<string, number>();
  /** Ended, by state. */
  readonly ended = new Map<string, number>();
  /** Messages that were not tasks, or not for us: unreadable, foreign, too large, of unknown tasks. */
  readonly refused = { undecodable: 0, invalid: 0, unknown: 0 };
  /** Messages put aside until they are due. */
  parked = 0;

  started(name: string): void {
    this.total.set(name, (this.total.get(name) ?? 0) + 1);
  }

  finished(state: string): void {
    this.ended.set(state, (this.ended.get(state) ?? 0) + 1);
  }

  /** All tasks started. */
  get processed(): number {
    let sum = 0;
    for (const count of this.total.values()) sum += count;
    return sum;
  }
}
