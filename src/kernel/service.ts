import { ImproperlyConfigured } from '../errors.ts';

/** Anything with a life: the consumer, the heartbeat, the pool, beat. */
export interface Service {
  readonly name: string;
  /** Names of services that must be running before this one starts. */
  readonly requires?: readonly string[];
  /** Resolves once it is ready. May be called again after `stop`. */
  start(): Promise<void>;
  /** Resolves once it has let go of everything. Safe before `start`, and twice. `deadline` aborts when patience ends. */
  stop(deadline: AbortSignal): Promise<void>;
  /** What `inspect stats` shows of it. */
  info?(): Readonly<Record<string, unknown>>;
}

/** Services in an order in which each comes after those it requires; otherwise the order given. Names not in the list are ignored. */
export function inOrder(services: readonly Service[]): readonly Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const done = new Set<Service>();
  const order: Service[] = [];
  const visit = (service: Service, path: readonly string[]): void => {
    if (done.has(service)) return;
    if (path.includes(service.name)) {
      throw new ImproperlyConfigured(`services require each other in a circle: ${[...path, service.name].join(' -> ')}`);
    }
    for (const name of service.requires ?? []) {
      const needed = byName.get(name);
      if (needed !== undefined) visit(needed, [...path, service.name]);
    }
    done.add(service);
    order.push(service);
  };
  for (const service of services) visit(service, []);
  return order;
}

/** Starts them in order. If one fails, those that had started are stopped again, and its error is thrown. */
export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = [];
  for (const service of inOrder(services)) {
    try {
      await service.start();
      started.push(service);
    } catch (error) {
      await stopAll(started, AbortSignal.abort(error));
      throw error;
    }
  }
}

/** Stops them in reverse order, all of them; the first error is thrown when the last has stopped. */
export async function stopAll(services: readonly Service[], deadline: AbortSignal): Promise<void> {
  const errors: unknown[] = [];
  for (const service of inOrder(services).toReversed()) {
    await service.stop(deadline).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}
