import type { Clock } from './clock.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  action: (() => void) | undefined;
}

/** Many timers on one: entries wait in a binary heap by their time (the clock's `monotonic`), and a single timer is armed for the first of them. */
export class TimerHeap {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  #armed: { readonly at: number; readonly timer: Disposable } | undefined;
  #order = 0;
  #live = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Entries that have neither run nor been disposed of. */
  get size(): number {
    return this.#live;
  }

  /** Runs `action` once after `ms`. Disposing before that forgets it, at no cost to the others. */
  schedule(ms: number, action: () => void): Disposable {
    const entry: Entry = { at: this.#clock.monotonic() + ms, order: this.#order++, action };
    this.#heap.push(entry);
    this.#live += 1;
    this.#up(this.#heap.length - 1);
    this.#arm();
    return {
      [Symbol.dispose]: () => {
        if (entry.action === undefined) return;
        entry.action = undefined;
        this.#live -= 1;
        this.#compact();
      },
    };
  }

  clear(): void {
    for (const entry of this.#heap) entry.action = undefined;
    this.#heap.length = 0;
    this.#live = 0;
    this.#arm();
  }

  #run(): void {
    this.#armed = undefined;
    const now = this.#clock.monotonic();
    try {
      // A timer may fire a fraction of a millisecond early: what is due within one is run.
      while (this.#heap.length > 0 && this.#heap[0]!.at <= now + 0.5) {
        const entry = this.#pop();
        const { action } = entry;
        if (action === undefined) continue;
        entry.action = undefined;
        this.#live -= 1;
        action();
      }
    } finally {
      // Also when an action throws: the others must not wait for ever.
      this.#arm();
    }
  }

  #arm(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.action === undefined) this.#pop();
    const first = this.#heap[0];
    if (this.#armed?.at === first?.at) return;
    this.#armed?.timer[Symbol.dispose]();
    this.#armed = first === undefined ? undefined : { at: first.at, timer: this.#clock.schedule(first.at - this.#clock.monotonic(), () => this.#run()) };
  }

  /** Entries that were disposed of stay until they come up; when they are the most of a large heap it is rebuilt without them. */
  #compact(): void {
    if (this.#heap.length > 64 && this.#live * 2 < this.#heap.length) {
      const live = this.#heap.filter((entry) => entry.action !== undefined).sort(before);
      this.#heap.splice(0, this.#heap.length, ...live);
    }
    this.#arm();
  }

  #pop(): Entry {
    const top = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return top;
  }

  #up(index: number): void {
    for (let child = index; child > 0;) {
      const parent = (child - 1) >> 1;
      if (before(this.#heap[parent]!, this.#heap[child]!) <= 0) return;
      this.#swap(parent, child);
      child = parent;
    }
  }

  #down(index: number): void {
    for (let parent = index; ;) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const least = right < this.#heap.length && before(this.#heap[right]!, this.#heap[left]!) < 0 ? right : left;
      if (before(this.#heap[parent]!, this.#heap[least]!) <= 0) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = kept;
  }
}

const before = (a: Entry, b: Entry): number => a.at - b.at || a.order - b.order;
