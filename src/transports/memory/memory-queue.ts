import type { WireMessage } from '../../protocol/wire-message.ts';
import type { Route } from '../virtual/queue-store.ts';

/** A message in a queue; the same object while it is held and when it comes back. */
export interface StoredMessage {
  readonly message: WireMessage;
  readonly route: Route;
  /** Its place among those of its priority; a message that goes behind the others gets a new one. */
  order: number;
  notBeforeMs: number;
  readonly expiresAtMs: number;
  redelivered: boolean;
}

export const PRIORITY_LEVELS = 10;

/** One queue: a lane for each priority, the highest first, and those that are not due yet. */
export class MemoryQueue {
  readonly #lanes: StoredMessage[][] = Array.from({ length: PRIORITY_LEVELS }, () => []);
  /** Where each lane begins: taking must not move the others. */
  readonly #heads: number[] = Array.from({ length: PRIORITY_LEVELS }, () => 0);
  /** By due time, the next one last. */
  #delayed: StoredMessage[] = [];

  /** Ready and not due yet. */
  get size(): number {
    return this.#lanes.reduce((sum, lane, level) => sum + lane.length - this.#heads[level]!, this.#delayed.length);
  }

  /** When the next delayed message is due; undefined when there is none. */
  get nextDueMs(): number | undefined {
    return this.#delayed.at(-1)?.notBeforeMs;
  }

  add(stored: StoredMessage, nowMs: number): void {
    if (stored.notBeforeMs > nowMs) {
      const index = this.#delayed.findIndex((other) => other.notBeforeMs <= stored.notBeforeMs);
      this.#delayed.splice(index === -1 ? this.#delayed.length : index, 0, stored);
      return;
    }
    const level = levelOf(stored.message);
    const lane = this.#lanes[level]!;
    // What comes back to the front has an older order than what waits there.
    let at = lane.length;
    if (lane.length > this.#heads[level]! && lane.at(-1)!.order > stored.order) {
      at = this.#heads[level]!;
      while (at < lane.length && lane[at]!.order < stored.order) at += 1;
    }
    if (at === lane.length) lane.push(stored);
    else lane.splice(at, 0, stored);
  }

  take(nowMs: number): StoredMessage | undefined {
    this.#ripen(nowMs);
    for (let level = PRIORITY_LEVELS - 1; level >= 0; level--) {
      for (let stored = this.#shift(level); stored !== undefined; stored = this.#shift(level)) {
        if (stored.expiresAtMs > nowMs) return stored;
      }
    }
    return undefined;
  }

  clear(): number {
    const count = this.size;
    for (const [level, lane] of this.#lanes.entries()) {
      lane.length = 0;
      this.#heads[level] = 0;
    }
    this.#delayed = [];
    return count;
  }

  #ripen(nowMs: number): void {
    for (let next = this.#delayed.at(-1); next !== undefined && next.notBeforeMs <= nowMs; next = this.#delayed.at(-1)) {
      this.#delayed.pop();
      this.add(next, nowMs);
    }
  }

  #shift(level: number): StoredMessage | undefined {
    const lane = this.#lanes[level]!;
    const head = this.#heads[level]!;
    const stored = lane[head];
    if (stored === undefined) return undefined;
    if (head + 1 === lane.length || head > 1000) {
      lane.splice(0, head + 1);
      this.#heads[level] = 0;
    } else this.#heads[level] = head + 1;
    return stored;
  }
}

const levelOf = (message: WireMessage): number => Math.min(PRIORITY_LEVELS - 1, Math.max(0, Math.trunc(message.properties.priority ?? 0)));
