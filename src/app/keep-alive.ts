import type { Clock } from '../kernel/clock.ts';

const LONG_MS = 2 ** 31 - 1;

/** Keeps the process alive while something is under way. Sockets of producers do not: one that awaits nothing more may exit by itself. */
export class KeepAlive {
  readonly #clock: Clock;
  #count = 0;
  #timer: Disposable | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(): Disposable {
    this.begin();
    const once = { isHeld: true };
    return {
      [Symbol.dispose]: () => {
        if (once.isHeld) this.end();
        once.isHeld = false;
      },
    };
  }

  begin(): void {
    this.#count += 1;
    this.#timer ??= this.#clock.schedule(LONG_MS, () => undefined);
  }

  end(): void {
    this.#count -= 1;
    // Whoever makes one call after the other begins the next within the tick: a timer for each would cost a sixth of the call.
    if (this.#count === 0) process.nextTick(this.#letGo);
  }

  readonly #letGo = (): void => {
    if (this.#count > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  };
}
