import { ImproperlyConfigured } from '../errors.ts';
import { nearest } from '../kernel/nearest.ts';
import type { BackendDriver } from './backend.ts';

type Load = () => Promise<{ readonly driver: BackendDriver }>;

/** Whether results come back as messages, and calls must say where to (rpc). */
export const answersCallers = (url: string | null): boolean => url?.startsWith('rpc:') === true;

const redis: Load = () => import('./redis/index.ts');

/** Every URL scheme that can be a result store; each driver is loaded when first named. */
const BACKENDS: Readonly<Record<string, Load>> = {
  disabled: () => import('./disabled/index.ts'),
  memory: () => import('./memory/index.ts'),
  sqlite: () => import('./sqlite/index.ts'),
  redis,
  rediss: redis,
  'redis+socket': redis,
  sentinel: redis,
  rpc: () => import('./rpc/index.ts'),
};

/** Schemes of `resultBackend`, for help texts. */
export const backendSchemes: readonly string[] = Object.keys(BACKENDS);

/** The result store for a URL's scheme. ImproperlyConfigured when there is none. */
export async function loadBackend(scheme: string): Promise<BackendDriver> {
  return (await loaderOf(scheme)()).driver;
}

/** ImproperlyConfigured when there is none; nothing is loaded yet. */
export function checkBackend(scheme: string): void {
  loaderOf(scheme);
}

function loaderOf(scheme: string): Load {
  const load = Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (load === undefined) {
    const meant = nearest(scheme, backendSchemes);
    throw new ImproperlyConfigured(
      `there is no result backend for ${JSON.stringify(`${scheme}://`)}; ${meant === undefined ? '' : `did you mean "${meant}://"? `}Known are ${backendSchemes.map((name) => `${name}://`).join(', ')}`,
    );
  }
  return load;
}

/** Forgets a `memory://` result store and all that is in it; for tests, which make one each. */
export async function forgetMemoryBackend(name: string): Promise<void> {
  (await import('./memory/hub.ts')).forgetResultHub(name);
}
