import type { RedisConnection } from '../../clients/redis.ts';
import type { Clock } from '../../kernel/clock.ts';
import { RedisKeys } from './keys.ts';
import { priorityOf, readOwnRecord } from './record.ts';
import * as scripts from './scripts.ts';

const BATCH = 200;
const PAGE = 5000;

/** Messages that wait in nobody's hands for their time (decisions.md 25). */
export class Parked {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #clock: Clock;

  constructor(options: { readonly connection: RedisConnection; readonly keys: RedisKeys; readonly clock: Clock }) {
    this.#connection = options.connection;
    this.#keys = options.keys;
    this.#clock = options.clock;
  }

  /** Puts back what is due; how many. */
  async bringDue(max: number): Promise<number> {
    const tags = (await this.#connection.call(
      'ZRANGE',
      this.#keys.eta,
      '-inf',
      this.#clock.now() / 1000,
      'BYSCORE',
      'LIMIT',
      0,
      Math.min(max, BATCH),
    )) as string[];
    return this.#unpark(tags);
  }

  /** Makes due now what is parked of these tasks. */
  async recall(taskIds: readonly string[]): Promise<number> {
    const tags = new Set<string>();
    for (let i = 0; i < taskIds.length; i += BATCH) {
      let cursor = '0';
      do {
        const args = [cursor, PAGE, RedisKeys.parked, ...taskIds.slice(i, i + BATCH)];
        const [next, found] = (await this.#connection.run(scripts.findParked, [this.#keys.eta], args)) as [string, string[]];
        cursor = next;
        for (const tag of found) tags.add(tag);
      } while (cursor !== '0');
    }
    return this.#unpark([...tags]);
  }

  async #unpark(tags: readonly string[]): Promise<number> {
    if (tags.length === 0) return 0;
    const records = (await this.#connection.callBytes('HMGET', this.#keys.unacked, ...tags)) as (Buffer | null)[];
    const lists = new Map<string, (string | Buffer)[]>();
    const vanished: string[] = [];
    // The last due goes back first, so that the first due is taken first.
    for (const { tag, record } of tags.map((tag, i) => ({ tag, record: records[i] })).toReversed()) {
      const own = record && readOwnRecord(record);
      if (!own) vanished.push(tag);
      else {
        const list = this.#keys.list(own.queue, priorityOf(own.envelope.toString()));
        lists.set(list, [...(lists.get(list) ?? []), tag, own.envelope]);
      }
    }
    const { unacked, unackedIndex, eta } = this.#keys;
    // Python's sweep was faster.
    if (vanished.length > 0) await this.#connection.call('ZREM', eta, ...vanished);
    const moved = await Promise.all([...lists].map(([list, pairs]) => this.#connection.run(scripts.unpark, [unacked, unackedIndex, eta, list], pairs)));
    return moved.reduce<number>((sum, count) => sum + Number(count), 0);
  }
}
