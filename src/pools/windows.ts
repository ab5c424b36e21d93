/** A task name is short when its last runs, this many in a row, each took less than `SHORT_MS`. */
const PROVEN_RUNS = 20;
const SHORT_MS = 2;
/** Jobs of short names that one child may hold. Any other job has a child to itself. */
export const WINDOW = 32;

/** Which tasks have proven so short that a child may hold several at a time, counted by name. One long run, and the proof begins anew. */
export class Windows {
  readonly #runs = new Map<string, number>();

  note(name: string, runtimeMs: number): void {
    if (runtimeMs >= SHORT_MS) this.#runs.set(name, 0);
    else {
      const runs = this.#runs.get(name) ?? 0;
      if (runs < PROVEN_RUNS) this.#runs.set(name, runs + 1);
    }
  }

  isShort(name: string): boolean {
    return this.#runs.get(name) === PROVEN_RUNS;
  }
}
