import type { RedisConnection } from '../../clients/redis.ts';
import { OperationalError } from '../../errors.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { RedisKeys } from './keys.ts';
import * as scripts from './scripts.ts';

/** Those in this process under which something is taken: stores of one owner share its entry. */
const taking = new Set<Lease>();

/** What of a connection a lease needs; to be renewed, the first is enough. */
type LeaseConnection = Pick<RedisConnection, 'run' | 'call' | 'isClosed'>;

/** One owner's entry among the workers: a key that lives as long as it is renewed, and a member of the list of those who may hold something. */
export class Lease implements Disposable {
  readonly #connection: LeaseConnection;
  readonly #keys: RedisKeys;
  readonly #owner: string;
  readonly #clock: Clock;
  #isRegistered = false;
  #hasTaken = false;
  /** Of the list, at the last renewal; taken lists stand in it too, so it is rather too high. */
  workers = 1;

  constructor(options: { readonly connection: LeaseConnection; readonly keys: RedisKeys; readonly owner: string; readonly clock: Clock }) {
    this.#connection = options.connection;
    this.#keys = options.keys;
    this.#owner = options.owner;
    this.#clock = options.clock;
  }

  get hasTaken(): boolean {
    return this.#hasTaken;
  }

  /** Before the first take: what a peer does not know of, it cannot bring back. */
  async register(leaseMs: number): Promise<void> {
    if (this.#hasTaken) return;
    if (!(await this.renew(leaseMs))) throw new OperationalError(`the lease of ${this.#owner} was declared lost by a peer: nothing can be taken under it`);
    this.#hasTaken = true;
    taking.add(this);
  }

  /** Whether another living store of this owner takes too: then the owner's entry is not ours to remove. */
  get isShared(): boolean {
    return [...taking].some((other) => other !== this && other.#owner === this.#owner && !other.#connection.isClosed);
  }

  async renew(leaseMs: number): Promise<boolean> {
    const args = [this.#owner, Math.ceil(leaseMs), this.#clock.now(), this.#isRegistered ? '1' : '0'];
    const workers = (await this.#connection.run(scripts.renew, [this.#keys.worker(this.#owner), this.#keys.workers], args)) as number;
    if (workers < 0) return false;
    this.#isRegistered = true;
    this.workers = workers;
    return true;
  }

  /** Before the first blocking take into it. */
  async registerTaken(queue: string): Promise<void> {
    await this.#connection.call('ZADD', this.#keys.workers, this.#clock.now(), `${queue}/taken/${this.#owner}`);
  }

  /** At a clean end, by the store that took: nothing is held any more. If something stands in a taken list after all, the lease lapses instead, and peers bring it back. */
  async release(queues: readonly string[]): Promise<void> {
    if (!this.#hasTaken) return;
    const keys = [this.#keys.worker(this.#owner), this.#keys.workers, ...queues.map((queue) => this.#keys.taken(queue, this.#owner))];
    const names = queues.map((queue) => `${queue}/taken/${this.#owner}`);
    await this.#connection.run(scripts.release, keys, [this.isShared ? '' : this.#owner, ...names]);
  }

  [Symbol.dispose](): void {
    taking.delete(this);
  }
}
