import { failOverdueChords } from '../../execution/overdue-chords.ts';
import { durationMs } from '../../kernel/duration.ts';
import type { Service } from '../../kernel/service.ts';
import type { WorkerParts } from './parts.ts';

/** A tenth of the time that chords have, within these. The upper one is less than the two minutes for which a store remembers the size of one that is late. */
const LEAST_MS = 1000;
const MOST_MS = 60_000;

/** Ends chords whose parts vanished; any worker does it for all. */
export function chords({ context }: WorkerParts): Service {
  let timer: Disposable | undefined;
  return {
    name: 'chords',
    requires: ['pool'],
    start() {
      const { resultChordExpires, resultExpires } = context.core.settings;
      const expiresMs = durationMs(resultChordExpires ?? resultExpires) ?? 0;
      if (expiresMs > 0 && context.env.backend.chords !== undefined) next(Math.min(MOST_MS, Math.max(LEAST_MS, expiresMs / 10)));
      return Promise.resolve();
    },
    stop() {
      timer?.[Symbol.dispose]();
      timer = undefined;
      return Promise.resolve();
    },
  };

  function next(everyMs: number): void {
    timer = context.clock.schedule(everyMs, () => {
      void sweep().finally(() => {
        if (timer !== undefined) next(everyMs);
      });
    });
  }

  async function sweep(): Promise<void> {
    try {
      while ((await failOverdueChords(context.env)) > 0 && timer !== undefined);
    } catch (error) {
      context.log.warn('overdue chords could not be ended; trying again later', { error });
    }
  }
}
