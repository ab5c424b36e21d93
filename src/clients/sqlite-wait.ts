import { isBusy } from './sqlite-errors.ts';

/** How often we look again while the event loop stands still, and how long between: about a millisecond altogether. */
const LOOKS = 8;
const PAUSE_MS = 0.1;
const nothing = new Int32Array(new SharedArrayBuffer(4));

/**
 * Runs `attempt` until the lock is free: at once, and a few times more in quick succession. Most transactions take a fraction of a
 * millisecond, while SQLite's own waiting goes in steps of 1, 2, 5, 10 ms, with our event loop stopped all the time.
 * Returns the last error when the lock is still taken (wait longer, with the loop turning); throws every other one.
 */
export function insist(attempt: () => void): unknown {
  for (let look = 0; ; look++) {
    try {
      attempt();
      return undefined;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (look === LOOKS) return error;
      Atomics.wait(nothing, 0, 0, PAUSE_MS);
    }
  }
}
