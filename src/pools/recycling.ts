/** When a child is to be replaced by a fresh one: after so many tasks, or when it has grown too large. */
export class Recycling {
  readonly #maxTasks: number;
  readonly #maxMemoryKb: number;

  constructor(options: { readonly maxTasksPerChild?: number | null | undefined; readonly maxMemoryPerChildKb?: number | null | undefined }) {
    this.#maxTasks = options.maxTasksPerChild ?? Infinity;
    this.#maxMemoryKb = options.maxMemoryPerChildKb ?? Infinity;
  }

  /** Whether children must report their size. */
  get watchesMemory(): boolean {
    return this.#maxMemoryKb !== Infinity;
  }

  /** How many jobs a child that was given `jobs` may still be given. */
  left(jobs: number): number {
    return Math.max(0, this.#maxTasks - jobs);
  }

  isTooLarge(kb: number): boolean {
    return kb > this.#maxMemoryKb;
  }
}
