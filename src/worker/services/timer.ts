import type { Service } from '../../kernel/service.ts';
import type { WorkerParts } from './parts.ts';

/** All timers of the worker's hot path, on one: etas and rate limits. */
export const timer = ({ context }: WorkerParts): Service => ({
  name: 'timer',
  start: () => Promise.resolve(),
  stop() {
    context.rateLimits.clear();
    context.timers.clear();
    return Promise.resolve();
  },
});
