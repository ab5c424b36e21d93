import type { BrokerConnection, Transport } from '../transports/transport.ts';

/**
 * One road to the broker that heals itself: failover URLs, back-off, one clear log line for each loss and each return.
 * Producers and consumers ask it for a connection whenever they need one; nobody keeps a dead one.
 */
export interface BrokerLink extends AsyncDisposable {
  /** Loaded by the scheme of the first URL; its capabilities hold for all of them. */
  readonly transport: Transport;
  readonly isConnected: boolean;
  /** The URL in use (or the first), password masked. */
  readonly address: string;
  /**
   * An open connection. Connects if there is none, failing over and backing off; callers share one attempt.
   * Rejects with OperationalError when the attempts are used up or `signal` aborts, and after `close`.
   */
  connection(signal?: AbortSignal): Promise<BrokerConnection>;
  /** Heard when a connection that worked is gone, with the reason. */
  onLost(listener: (reason: Error) => void): Disposable;
  close(): Promise<void>;
}
