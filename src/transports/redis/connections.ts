import { type RedisAddress, redisAddress } from '../../clients/redis-address.ts';
import { openRedis, type RedisConnection, type RedisPeer } from '../../clients/redis.ts';
import { RedisSubscriber } from '../../clients/redis-subscriber.ts';
import { deferred } from '../../kernel/deferred.ts';
import type { ConnectOptions } from '../transport.ts';
import { connectionName, type RedisTransportOptions, redisTransportOptions } from './options.ts';

/** The longest that a blocking command waits; a connection that says nothing for much longer is dead. */
export const BLOCK_S = 5;

/** The connections of one store (decisions.md 29). They live and die together: the first that is lost takes the others with it. */
export class StoreConnections implements AsyncDisposable {
  readonly options: RedisTransportOptions;
  readonly #connect: ConnectOptions;
  readonly #address: RedisAddress;
  readonly #open = new Set<RedisConnection>();
  readonly #closed = deferred<Error>();
  readonly #peers: RedisPeer[] = [];
  #command: RedisConnection | undefined;
  #subscriber: Promise<RedisSubscriber> | undefined;
  #isClosed = false;

  private constructor(connect: ConnectOptions) {
    this.#connect = connect;
    this.#address = redisAddress(connect.url, connect);
    this.options = redisTransportOptions(connect.transportOptions, this.#address.db, this.#address.sentinel !== undefined);
  }

  static async open(connect: ConnectOptions): Promise<StoreConnections> {
    const connections = new StoreConnections(connect);
    connections.#command = await connections.open(connect.role, connections.options.socketTimeoutMs, connect.signal);
    return connections;
  }

  /** Settles with the reason when the server went away. */
  get closed(): Promise<Error> {
    return this.#closed.promise;
  }

  /** All that were opened and not closed by ourselves, as the server knows them. */
  get peers(): readonly RedisPeer[] {
    return this.#peers;
  }

  get command(): RedisConnection {
    return this.#command!;
  }

  /** Opened when first asked for: a producer needs none. */
  subscriber(): Promise<RedisSubscriber> {
    this.#subscriber ??= this.open(`${this.#connect.role}-pubsub`, this.options.socketTimeoutMs).then((connection) =>
      RedisSubscriber.open(connection, this.#connect.clock),
    );
    return this.#subscriber;
  }

  blocking(): Promise<RedisConnection> {
    return this.open(`${this.#connect.role}-wait`, Math.max(this.options.socketTimeoutMs / 2, BLOCK_S * 2000));
  }

  async open(role: string, socketTimeoutMs: number, signal?: AbortSignal): Promise<RedisConnection> {
    const { timeoutMs, clock, hostname } = this.#connect;
    const connection = await openRedis(this.#address, {
      name: connectionName(hostname, role),
      timeoutMs,
      clock,
      signal,
      socketTimeoutMs,
      keepAlive: this.options.socketKeepalive,
      holdsProcess: this.#connect.role === 'worker',
    });
    if (this.#isClosed) {
      await connection.close();
      return connection;
    }
    this.#open.add(connection);
    this.#peers.push(connection.peer);
    void connection.closed.then((reason) => this.#lost(connection, reason));
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map((connection) => connection.close()));
  }

  #lost(connection: RedisConnection, reason: Error | undefined): void {
    this.#open.delete(connection);
    // Gone on both sides: only then will the server do nothing more for it.
    if (reason === undefined) this.#peers.splice(this.#peers.indexOf(connection.peer), 1);
    if (reason === undefined || this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve(reason);
    for (const other of this.#open) other.fail('another connection of ours to it was lost');
  }
}
