import type { BackendDriver } from '../backend.ts';
import { RedisBackend } from './backend.ts';

/** Redis 6.2 or newer, with Celery's keys: results and chords are shared with Python. */
export const driver: BackendDriver = {
  name: 'redis',
  open: (options) => Promise.resolve(new RedisBackend(options)),
};
