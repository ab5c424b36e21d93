import type { RedisConnection } from '../../clients/redis.ts';
import type { Clock } from '../../kernel/clock.ts';
import { ResponseError } from '../../errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { RedisKeys } from './keys.ts';
import { priorityOf, readOwnRecord } from './record.ts';
import * as scripts from './scripts.ts';

const BATCH = 200;
const PAGE = 5000;
/** After so long what could not go back is tried again; what is due after it must not wait for that. */
const REFUSED_S = 60;

/** Messages that wait in nobody's hands for their time (decisions.md 25). */
export class Parked {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(options: { readonly connection: RedisConnection; readonly keys: RedisKeys; readonly clock: Clock; readonly log: Logger }) {
    this.#connection = options.connection;
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Puts back what is due; how many. */
  async bringDue(max: number): Promise<number> {
    const now = this.#clock.now() / 1000;
    let moved = 0;
    while (moved < max) {
      const limit = Math.min(max - moved, BATCH);
      const tags = (await this.#connection.call('ZRANGE', this.#keys.eta, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) as string[];
      moved += await this.#unpark(tags);
      // Each tag that was looked at is due no more, whoever has put it back.
      if (tags.length < limit) break;
    }
    return moved;
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
    // Python's sweep was faster.
    if (vanished.length > 0) await this.#connection.call('ZREM', this.#keys.eta, ...vanished);
    const moved = await Promise.all([...lists].map(([list, pairs]) => this.#putInto(list, pairs)));
    return moved.reduce((sum, count) => sum + count, 0);
  }

  async #putInto(list: string, pairs: readonly (string | Buffer)[]): Promise<number> {
    const { unacked, unackedIndex, eta } = this.#keys;
    try {
      return Number(await this.#connection.run(scripts.unpark, [unacked, unackedIndex, eta, list], pairs));
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error;
      const tags = pairs.filter((_, i) => i % 2 === 0);
      this.#log.error(`${tags.length} messages that are due cannot go back into "${list}": ${error.message}. They are tried again in ${REFUSED_S} s`);
      const again = this.#clock.now() / 1000 + REFUSED_S;
      await this.#connection.call('ZADD', eta, 'XX', ...tags.flatMap((tag) => [again, tag]));
      return 0;
    }
  }
}
