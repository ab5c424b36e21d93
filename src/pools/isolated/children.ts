import type { Clock } from '../../kernel/clock.ts';
import type { Job } from '../pool.ts';
import { WINDOW } from '../windows.ts';
import { PoolChild, type ChildOptions, type Held } from './child.ts';

/** Children that break one after the other are replaced more and more slowly. */
const RESPAWN_MS = 500;
const RESPAWN_MAX_MS = 30_000;
/** For children to leave by themselves, once they have nothing to do. */
const FAREWELL_MS = 2_000;

export interface ChildrenOptions {
  /** What their names begin with; the number of each follows. */
  readonly prefix: string;
  readonly size: number;
  readonly clock: Clock;
  readonly child: ChildOptions;
}

/** The children of one pool: as many as it is large, those that leave and their successors. */
export class Children {
  readonly #all = new Set<PoolChild>();
  readonly #clock: Clock;
  readonly #options: ChildOptions;
  readonly #prefix: string;
  #born = 0;
  #size: number;
  #isClosed = true;
  #failures = 0;

  constructor({ prefix, size, clock, child }: ChildrenOptions) {
    this.#prefix = prefix;
    this.#size = size;
    this.#clock = clock;
    this.#options = child;
  }

  get all(): readonly PoolChild[] {
    return [...this.#all];
  }

  /** How many there should be. */
  get size(): number {
    return this.#size;
  }

  /** Nothing runs, and nothing that ended here waits to hear more. */
  get isQuiet(): boolean {
    return this.all.every((child) => child.isIdle);
  }

  open(): void {
    this.#isClosed = false;
    this.#fill();
  }

  /** No more successors. */
  close(): void {
    this.#isClosed = true;
  }

  /** More at once; fewer as they run out of work, the idle ones first. */
  async resize(size: number): Promise<void> {
    this.#size = size;
    const serving = this.#serving().toSorted((a, b) => a.held.size - b.held.size);
    for (const child of serving.slice(0, Math.max(0, serving.length - size))) this.retire(child);
    this.#fill();
    await Promise.allSettled(this.#serving().map((child) => child.ready.promise));
  }

  /** It has loaded the app: those before it that had not are forgiven. */
  loaded(child: PoolChild): void {
    this.#failures = 0;
    child.isReady = true;
    child.ready.resolve();
  }

  /** Gives it no more, and lets it go when it has nothing left to do. */
  retire(child: PoolChild): void {
    if (child.isRetiring) return;
    child.isRetiring = true;
    if (child.isIdle) child.stop();
  }

  /** One is gone; another takes its place, later if it had not even loaded the app. */
  replace(child: PoolChild): void {
    this.#all.delete(child);
    if (child.isReady) return this.#fill();
    const waitMs = Math.min(RESPAWN_MAX_MS, RESPAWN_MS * 2 ** this.#failures++);
    this.#clock.schedule(waitMs, () => this.#fill());
  }

  /** Resolves when the last is gone: by itself if there is patience, by force if not. */
  async farewell(deadline: AbortSignal): Promise<void> {
    const gone = this.all.map((child) => child.ended.promise);
    const force = (): void => {
      for (const child of this.#all) child.channel.kill('SIGKILL');
    };
    for (const child of this.#all) {
      child.isForsaken = deadline.aborted;
      if (!deadline.aborted) child.stop();
    }
    if (deadline.aborted) force();
    const timer = this.#clock.schedule(FAREWELL_MS, force);
    await Promise.all(gone);
    timer[Symbol.dispose]();
  }

  /** The child in which a job ended, while it lives; else any other that can run its hooks. */
  heardOf(job: Job): PoolChild | undefined {
    return this.all.find((child) => child.listening.has(job)) ?? this.all.find((child) => child.isReady);
  }

  /** The one that holds least of those that may take the job; a job that is not short needs a child to itself. */
  bestFor(isShort: boolean): PoolChild | undefined {
    let best: PoolChild | undefined;
    for (const child of this.#all) {
      if (!child.isReady || child.isRetiring) continue;
      if (child.held.size > 0 && (!isShort || child.isExclusive || child.held.size >= WINDOW)) continue;
      if (best === undefined || child.held.size < best.held.size) best = child;
      if (best.held.size === 0) break;
    }
    return best;
  }

  find(taskId: string): { readonly child: PoolChild; readonly held: Held } | undefined {
    for (const child of this.#all) {
      for (const held of child.held.values()) if (held.job.received.headers.id === taskId) return { child, held };
    }
    return undefined;
  }

  /** Those that count: the ones about to leave have successors already. */
  #serving(): PoolChild[] {
    return this.all.filter((child) => !child.isRetiring);
  }

  #fill(): void {
    for (let missing = this.#size - this.#serving().length; missing > 0 && !this.#isClosed; missing--)
      this.#all.add(new PoolChild(`${this.#prefix}-${++this.#born}`, this.#options));
  }
}
