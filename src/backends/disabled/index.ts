import { ImproperlyConfigured } from '../../errors.ts';
import type { BackendDriver, ResultBackend } from '../backend.ts';

/**
 * `disabled://`: results are not kept. What a worker saves is dropped, as in Celery; asking for a result is an error that says so, at once,
 * instead of a wait without end.
 */
export const driver: BackendDriver = {
  name: 'disabled',
  open: () => Promise.resolve(disabledBackend),
};

const refuse = (what: string): never => {
  throw new ImproperlyConfigured(
    `cannot ${what}: this app keeps no results, because its result backend is "disabled://". Set resultBackend, for example to "redis://127.0.0.1:6379/1" or "sqlite:///results.db"`,
  );
};

const disabledBackend: ResultBackend = {
  capabilities: { pushes: false, expires: true, durable: false, chords: 'none' },
  save: () => Promise.resolve(),
  load: async () => refuse('load a result'),
  forget: () => Promise.resolve(),
  watch: () => refuse('wait for a result'),
  saveGroup: () => Promise.resolve(),
  loadGroup: async () => refuse('load a group'),
  forgetGroup: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
