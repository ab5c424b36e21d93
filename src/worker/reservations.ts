import { LinkedSet } from '../kernel/linked-set.ts';
import type { InHand } from './prefetch.ts';
import type { Request, Standing } from './request.ts';

type Kept = Exclude<Standing, 'new' | 'gone'>;

/** All requests in our hands, by where they stand, each set in the order of arrival. */
export class Reservations {
  readonly #sets: { readonly [S in Kept]: LinkedSet<Request> } = {
    scheduled: new LinkedSet(),
    limited: new LinkedSet(),
    ready: new LinkedSet(),
    running: new LinkedSet(),
    finishing: new LinkedSet(),
  };
  /** Subscriptions so far; see `olderHeld`. */
  #epoch = 0;
  #held = 0;
  #olderHeld = 0;
  #runningLate = 0;

  get epoch(): number {
    return this.#epoch;
  }

  /** Messages not settled yet. */
  get held(): number {
    return this.#held;
  }

  /** Of these, the ones that an earlier channel brought: the present one does not count them in its prefetch. */
  get olderHeld(): number {
    return this.#olderHeld;
  }

  /** A new channel begins to count from nothing. */
  newEpoch(): void {
    this.#epoch += 1;
    this.#olderHeld = this.#held;
  }

  /** Takes it into our books. */
  add(request: Request): void {
    this.#held += 1;
    if (request.epoch !== this.#epoch) this.#olderHeld += 1;
  }

  /** Moves it; 'gone' takes it out of the books. */
  move(request: Request, to: Standing): void {
    const from = request.standing;
    if (from === to) return;
    if (from !== 'new' && from !== 'gone') this.#sets[from].delete(request);
    request.standing = to;
    if (to !== 'new' && to !== 'gone') this.#sets[to].add(request);
    if (isBusy(from) !== isBusy(to) && request.acksLate) this.#runningLate += isBusy(to) ? 1 : -1;
  }

  /** It no longer counts as held. */
  settled(request: Request): void {
    this.#held -= 1;
    if (request.epoch !== this.#epoch) this.#olderHeld -= 1;
  }

  of(standing: Kept): Iterable<Request> {
    return this.#sets[standing];
  }

  count(standing: Kept): number {
    return this.#sets[standing].size;
  }

  /** Nothing runs, and no result is on its way. */
  get isIdle(): boolean {
    return this.#sets.running.size === 0 && this.#sets.finishing.size === 0;
  }

  /** The one that waits longest for the pool. */
  nextReady(): Request | undefined {
    return this.#sets.ready.first;
  }

  /** Everything that has not started, the last one taken first. */
  unstarted(): readonly Request[] {
    return [...this.#sets.ready, ...this.#sets.limited, ...this.#sets.scheduled].toReversed();
  }

  find(ids: ReadonlySet<string>): readonly Request[] {
    return Object.values(this.#sets).flatMap((set) => [...set].filter((request) => ids.has(request.id)));
  }

  inHand(room: number): InHand {
    return { room, runningLate: this.#runningLate, limited: this.#sets.limited.size, scheduled: this.#sets.scheduled.size };
  }
}

const isBusy = (standing: Standing): boolean => standing === 'running' || standing === 'finishing';
