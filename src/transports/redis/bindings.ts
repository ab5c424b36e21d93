import type { RedisConnection } from '../../clients/redis.ts';
import { topicPatternText } from '../../kernel/topic-pattern.ts';
import type { Binding, ExchangeType } from '../transport.ts';
import type { RedisKeys } from './keys.ts';
import * as scripts from './scripts.ts';

/** Kombu 5.7 keeps the table of an expiring queue's bindings for twice the queue's life, at least an hour. */
const LEAST_LIFE_MS = 3_600_000;
const SWEEP_MS = 60_000;
const SWEPT_AT_ONCE = 100;

/**
 * Kombu's binding tables (celery-5.7.md 7.2). A queue that expires puts off the table's deadline, after which a 5.7 peer may sweep it;
 * an ordinary queue stands in a second set, which protects the table, the bindings of older peers in it included.
 */
export class RedisBindings {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #lifeOf: (queue: string) => number | undefined;
  readonly #refreshed = new Map<string, { readonly binding: Binding; readonly type: ExchangeType | undefined; at: number }>();
  #sweptAt = -Infinity;

  /** `lifeOf`: a queue's `x-expires` in ms, where it has one. */
  constructor(connection: RedisConnection, keys: RedisKeys, lifeOf: (queue: string) => number | undefined) {
    this.#connection = connection;
    this.#keys = keys;
    this.#lifeOf = lifeOf;
  }

  async add(binding: Binding, type?: ExchangeType): Promise<void> {
    const { exchange, queue } = binding;
    const member = this.#member(binding, type === 'topic' ? topicPatternText(binding.routingKey) : '');
    const expiresMs = this.#lifeOf(queue);
    if (expiresMs === undefined) {
      await this.#connection.pipeline([
        ['MULTI'],
        ['SADD', this.#keys.bindings(exchange), member],
        ['SADD', this.#keys.permanentBindings(exchange), member],
        ['EXEC'],
      ]);
      return;
    }
    const lifeMs = Math.max(2 * expiresMs, LEAST_LIFE_MS);
    this.#refreshed.set(member, { binding, type, at: 0 });
    await this.#connection.run(scripts.bindExpiring, [this.#keys.bindings(exchange), this.#keys.bindingDeadlines], [member, exchange, lifeMs]);
  }

  async remove(binding: Binding): Promise<void> {
    const { exchange, routingKey } = binding;
    // The pattern is part of the member, and older peers spell it differently.
    const current = topicPatternText(routingKey);
    const older = current.replaceAll(String.raw`[^\.]+`, String.raw`.*?[^\.]`);
    const members = [...new Set(['', current, older])].map((pattern) => this.#member(binding, pattern));
    for (const member of members) this.#refreshed.delete(member);
    await this.#connection.pipeline([
      ['SREM', this.#keys.bindings(exchange), ...members],
      ['SREM', this.#keys.permanentBindings(exchange), ...members],
    ]);
  }

  async of(exchange: string): Promise<readonly Binding[]> {
    const members = (await this.#connection.call('SMEMBERS', this.#keys.bindings(exchange))) as string[];
    return members.map((member) => {
      const [routingKey = '', pattern = '', ...queue] = member.split(this.#keys.separator);
      return { exchange, routingKey, queue: queue.join(this.#keys.separator), arguments: pattern === '' ? {} : { pattern } };
    });
  }

  /**
   * Puts the bindings of expiring queues in again, every third of their tables' least life. Then, where `sweeps`, deletes tables that nobody has put anything into for long,
   * at most once a minute and only if we have such queues ourselves, as kombu 5.7 does.
   */
  async refresh(nowMs: number, sweeps: boolean): Promise<void> {
    await this.#putInAgain(nowMs);
    if (!sweeps || this.#refreshed.size === 0 || nowMs - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = nowMs;
    await this.#connection.run(scripts.sweepBindings, [this.#keys.bindingDeadlines], [SWEPT_AT_ONCE, ...this.#keys.bindingPrefixes]);
  }

  async #putInAgain(nowMs: number): Promise<void> {
    for (const entry of this.#refreshed.values()) {
      if (entry.at === 0) entry.at = nowMs;
      if (nowMs - entry.at < LEAST_LIFE_MS / 3) continue;
      entry.at = nowMs;
      await this.add(entry.binding, entry.type);
    }
  }

  #member(binding: Binding, pattern: string): string {
    return [binding.routingKey, pattern, binding.queue].join(this.#keys.separator);
  }
}
