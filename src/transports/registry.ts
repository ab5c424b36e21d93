import { ImproperlyConfigured } from '../errors.ts';
import { nearest } from '../kernel/nearest.ts';
import type { Transport } from './transport.ts';

type Load = () => Promise<{ readonly transport: Transport }>;

const memory: Load = () => import('./memory/index.ts');
const sqlite: Load = () => import('./sqlite/index.ts');
const redis: Load = () => import('./redis/index.ts');
const amqp: Load = () => import('./amqp/index.ts');

/** Every URL scheme that can be a broker; each driver is loaded when first named. */
const TRANSPORTS: Readonly<Record<string, Load>> = {
  memory,
  sqlite,
  redis,
  rediss: redis,
  'redis+socket': redis,
  sentinel: redis,
  amqp,
  amqps: amqp,
  pyamqp: amqp,
};

/** Schemes of `brokerUrl`, for help texts. */
export const transportSchemes: readonly string[] = Object.keys(TRANSPORTS);

/** The transport for a URL's scheme. ImproperlyConfigured when there is none. */
export async function loadTransport(scheme: string): Promise<Transport> {
  const load = Object.hasOwn(TRANSPORTS, scheme) ? TRANSPORTS[scheme] : undefined;
  if (load === undefined) {
    const meant = nearest(scheme, transportSchemes);
    throw new ImproperlyConfigured(
      `there is no broker transport for ${JSON.stringify(`${scheme}://`)}; ${meant === undefined ? '' : `did you mean "${meant}://"? `}Known are ${transportSchemes.map((name) => `${name}://`).join(', ')}`,
    );
  }
  return (await load()).transport;
}

/** Forgets a `memory://` broker and all its messages; for tests, which make one each. */
export async function forgetMemoryBroker(name: string): Promise<void> {
  (await import('./memory/hub.ts')).forgetMemoryHub(name);
}
