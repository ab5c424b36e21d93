import { ImproperlyConfigured, OperationalError } from '../../errors.ts';
import { maskText } from '../../kernel/broker-url.ts';
import type { BrokerConnection, ConnectOptions, Transport, TransportCapabilities } from '../transport.ts';
import { VirtualConnection } from './connection.ts';
import { Holds } from './holds.ts';
import { type LeaseDriver, openLeaseThread } from './lease-thread.ts';
import type { QueueStore } from './queue-store.ts';

/** A plain queue store, to be used as a transport. */
export interface VirtualDriver {
  readonly name: string;
  readonly capabilities: TransportCapabilities;
  /** Connects; rejects with OperationalError when the server cannot be reached. */
  open(options: ConnectOptions): Promise<QueueStore>;
  /** How the lease thread renews. Left out by stores that live in this process, where a blocked loop holds up the peers as well. */
  readonly lease?: LeaseDriver;
}

/** A transport made of a store, which can be opened by itself too. */
export interface VirtualTransport extends Transport {
  open(options: ConnectOptions): Promise<QueueStore>;
}

/** What one owner has, over its connections. */
interface OwnerState {
  /** Changes when peers have declared the last one lost. */
  id: string;
  readonly owner: string;
  readonly holds: Holds;
  connections: number;
  /** The roads to the broker that may bring another connection, by what they are for; each ends with its signal. */
  readonly roads: Map<string, AbortSignal>;
  losses: number;
}

export function virtualTransport(driver: VirtualDriver): VirtualTransport {
  // Holds outlive connections (decisions.md 20), so somebody who outlives them must remember whose they are: an entry goes with the owner's last connection.
  const owners = new Map<string, OwnerState>();

  const connect = async (given: ConnectOptions): Promise<BrokerConnection> => {
    const key = `${given.owner} ${given.url.href}`;
    const state = owners.get(key) ?? { id: given.owner, owner: given.owner, holds: new Holds(), connections: 0, roads: new Map(), losses: 0 };
    owners.set(key, state);
    state.connections += 1;
    state.roads.set(given.role, given.signal);
    given.signal.addEventListener('abort', () => endRoad(key, state, given), { once: true });
    const options: ConnectOptions = { ...given, owner: state.id };
    try {
      const store = await driver.open(options);
      forgetElsewhere(owners, state);
      const connection = new VirtualConnection({
        store,
        capabilities: driver.capabilities,
        holds: state.holds,
        connect: options,
        openThread: needsThread(driver, options) ? () => openLeaseThread(driver.lease!.module, options) : undefined,
        isLast: () => state.connections === 1 && [...state.roads.keys()].every((role) => role === given.role),
        onClosed: (reason) => leave(key, state, given, reason),
      });
      connection.lease.onLost(() => renewId(state, options.owner));
      return connection;
    } catch (error) {
      leave(key, state, given, error as Error);
      throw connectError(error, driver.name, given.url);
    }
  };

  /** After a loss the holds wait for the next connection on that road; after a close of ours it leads nowhere any more. */
  const leave = (key: string, state: OwnerState, given: ConnectOptions, reason: Error | undefined): void => {
    state.connections -= 1;
    if (reason === undefined) endRoad(key, state, given);
    else forgetIdle(key, state);
  };

  const endRoad = (key: string, state: OwnerState, given: ConnectOptions): void => {
    if (state.roads.get(given.role) === given.signal) state.roads.delete(given.role);
    forgetIdle(key, state);
  };

  /** With the last road gone there is no connection to wait for: whoever waits for a settle is told so. */
  const forgetIdle = (key: string, state: OwnerState): void => {
    if (state.connections > 0 || state.roads.size > 0) return;
    state.holds.abandon();
    if (owners.get(key) === state) owners.delete(key);
  };

  return { name: driver.name, capabilities: driver.capabilities, connect, open: (options) => driver.open(options) };
}

/** The next connection holds under another id: the old one stays declared lost. */
function renewId(state: OwnerState, lostId: string): void {
  if (state.id !== lostId) return;
  state.losses += 1;
  state.id = `${state.owner}~${state.losses}`;
}

/** Failing over to another server's data is a lost lease: what was held there is not ours to settle here. */
function forgetElsewhere(owners: Map<string, OwnerState>, here: OwnerState): void {
  for (const [key, other] of owners) {
    if (other === here || other.owner !== here.owner || other.connections > 0) continue;
    other.holds.forget();
    owners.delete(key);
  }
}

const needsThread = (driver: VirtualDriver, options: ConnectOptions): boolean =>
  driver.lease !== undefined && (options.leaseThread ?? options.role === 'worker');

function connectError(error: unknown, name: string, url: URL): unknown {
  if (error instanceof OperationalError || error instanceof ImproperlyConfigured) return error;
  return new OperationalError(`cannot connect to ${maskText(url.href)} (${name}): ${maskText(String((error as Error).message))}`, { cause: error });
}
