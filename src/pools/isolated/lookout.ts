import type { Clock } from '../../kernel/clock.ts';

const LOOK_MS = 20;

/** Looks again and again, as long as there is something to look at: a child that runs without a pause reports nothing. */
export class Lookout {
  readonly #clock: Clock;
  /** Gives false when nothing is left to be seen. */
  readonly #look: () => boolean;
  #next: Disposable | undefined;

  constructor(clock: Clock, look: () => boolean) {
    this.#clock = clock;
    this.#look = look;
  }

  start(): void {
    this.#next ??= this.#clock.schedule(LOOK_MS, () => {
      this.#next = undefined;
      if (this.#look()) this.start();
    });
  }

  stop(): void {
    this.#next?.[Symbol.dispose]();
    this.#next = undefined;
  }
}
