import type { RedisConnection } from '../../clients/redis.ts';
import { ResponseError } from '../../errors.ts';
import { newId } from '../../kernel/ids.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Binding } from '../transport.ts';
import { heldBy, type HeldEntry, lastTakenFirst } from './held.ts';
import { RedisKeys } from './keys.ts';
import type { RedisTransportOptions } from './options.ts';
import type { Parked } from './parked.ts';
import { priorityOf, readOwnRecord, readRecord } from './record.ts';
import { type Remains, remainsOf, takenSinceMs } from './remains.ts';
import * as scripts from './scripts.ts';
import { marked } from './settlements.ts';

/** How long the mark of a lost owner stays: as long as a suspended laptop may sleep and come back believing that it holds something. */
const LOST_MARK_MS = 24 * 3_600_000;
const BATCH = 200;
const PAGE = 5000;

export interface RecoveryOptions {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly options: RedisTransportOptions;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly parked: Parked;
  readonly bindingsOf: (exchange: string) => Promise<readonly Binding[]>;
  /** Whether what stands in a taken list is in somebody's hands here. */
  readonly isKnown: (taken: string, envelope: Buffer) => boolean;
}

/** Brings back what nobody works on any more: of owners that are gone, parked messages that are due, and Python's entries by Celery's rule (decisions.md 19–21, 25). */
export class Recovery {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #options: RedisTransportOptions;
  readonly #given: RecoveryOptions;
  readonly #clock: Clock;
  /** When each missing lease was first found missing, on this connection. */
  readonly #goneSince = new Map<string, number>();
  /** When each entry of our own taken lists was first seen there. */
  #strays = new Map<string, number>();
  /** How often something has stayed where it stood: its list refused it, or somebody here works on it. */
  #kept = 0;
  #refreshedAt = -Infinity;
  #restoredAt = -Infinity;

  constructor(given: RecoveryOptions) {
    this.#given = given;
    this.#connection = given.connection;
    this.#keys = given.keys;
    this.#options = given.options;
    this.#clock = given.clock;
  }

  async recover(max: number): Promise<number> {
    await this.#refreshOurs();
    let count = await this.#given.parked.bringDue(max);
    for (const owner of await this.#lostOwners()) {
      if (count >= max) break;
      count += await this.#bringBack(owner, max - count);
    }
    return count + (await this.#restoreOld());
  }

  /** What `owner` holds beyond `known`, and what its blocking takes had moved, next to be taken again. */
  async returnHeld(owner: string, known: ReadonlySet<string>, max = Infinity): Promise<number> {
    const end = `/taken/${owner}`;
    const members = (await this.#connection.call('ZRANGE', this.#keys.workers, 0, -1)) as string[];
    const names = members.filter((member) => member.endsWith(end));
    const kept = this.#kept;
    let count = await this.emptyTaken(
      owner,
      names.map((name) => name.slice(0, -end.length)),
    );
    if (names.length > 0 && this.#kept === kept) await this.#connection.call('ZREM', this.#keys.workers, ...names);
    const held = (await heldBy(this.#connection, this.#keys, owner)).filter(({ tag }) => !known.has(tag));
    return count + (await this.#giveBack(held, max - count));
  }

  async #lostOwners(): Promise<readonly string[]> {
    const members = (await this.#connection.call('ZRANGE', this.#keys.workers, 0, -1)) as string[];
    // Not ourselves: a lease of ours that lapsed unnoticed is set again by the next renewal.
    const owners = members.filter((member) => !member.includes('/taken/') && member !== this.#given.owner);
    if (owners.length === 0) return [];
    const leases = (await this.#connection.call('MGET', ...owners.map((owner) => this.#keys.worker(owner)))) as (string | null)[];
    const lost: string[] = [];
    for (const [i, owner] of owners.entries()) {
      if (leases[i] === 'lost' || (leases[i] === null && (await this.#isConfirmedGone(owner)))) lost.push(owner);
      else if (leases[i] !== null) this.#goneSince.delete(owner);
    }
    return lost;
  }

  async #isConfirmedGone(owner: string): Promise<boolean> {
    const now = this.#clock.monotonic();
    const since = this.#goneSince.get(owner);
    if (since === undefined) this.#goneSince.set(owner, now);
    if (since === undefined || now - since < this.#options.confirmMs) return false;
    this.#goneSince.delete(owner);
    return (await this.#connection.run(scripts.declareLost, [this.#keys.worker(owner)], [LOST_MARK_MS])) === 1;
  }

  async #bringBack(owner: string, max: number): Promise<number> {
    const kept = this.#kept;
    const count = await this.returnHeld(owner, new Set(), max);
    // What still stands there is found again as long as the list of workers knows of its owner.
    if (count < max && this.#kept === kept) {
      await this.#connection.call('ZREM', this.#keys.workers, owner);
      this.#given.log.warn(`worker ${owner} is gone: ${count} messages that it held are back in their queues`);
    }
    return count;
  }

  /** A list that refuses (its name is another type of key's by now) keeps nobody else from going back; what is for it stays where it is. */
  async #unlessRefused(list: string, move: () => Promise<number>): Promise<number> {
    try {
      return await move();
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error;
      this.#kept++;
      this.#given.log.error(`messages cannot go back into "${list}": ${error.message}. They are kept, and tried again at each look`);
      return 0;
    }
  }

  async #giveBack(held: readonly HeldEntry[], max = Infinity): Promise<number> {
    const lists = new Map<string, (string | Buffer)[]>();
    for (const { tag, record } of held) {
      const own = readOwnRecord(record);
      if (own === undefined) continue;
      const list = this.#keys.list(own.queue, priorityOf(own.envelope.toString()));
      const pairs = lists.get(list) ?? [];
      if (pairs.push(tag, marked(own.envelope)) === 2) lists.set(list, pairs);
    }
    const { unacked, unackedIndex } = this.#keys;
    let moved = 0;
    for (const [list, pairs] of lists) {
      moved += await this.#unlessRefused(list, async () => {
        let count = 0;
        for (let i = 0; i < pairs.length && moved + count < max;) {
          const some = pairs.slice(i, i + 2 * Math.min(BATCH, max - moved - count));
          i += some.length;
          count += Number(await this.#connection.run(scripts.giveBack, [unacked, unackedIndex, list], ['RPUSH', ...some]));
        }
        return count;
      });
    }
    return moved;
  }

  /** What blocking takes had moved from these queues, next to be taken again. */
  async emptyTaken(owner: string, queues: readonly string[]): Promise<number> {
    let count = 0;
    for (const queue of queues) {
      const taken = this.#keys.taken(queue, owner);
      for (const envelope of (await this.#connection.callBytes('LRANGE', taken, 0, -1)) as Buffer[]) {
        if (this.#given.isKnown(taken, envelope)) this.#kept++;
        else count += await this.#putBack(queue, taken, envelope);
      }
    }
    return count;
  }

  #putBack(queue: string, taken: string, envelope: Buffer): Promise<number> {
    const list = this.#keys.list(queue, 0);
    return this.#unlessRefused(list, async () => Number(await this.#connection.run(scripts.putBack, [taken, list], [envelope, marked(envelope)])));
  }

  /** What the server has moved for an old connection of ours that it believed alive. Whatever we know of leaves its taken list long before a second look. */
  async sweepTaken(queues: readonly string[]): Promise<number> {
    const now = this.#clock.monotonic();
    const strays = new Map<string, number>();
    let count = 0;
    for (const queue of queues) {
      const taken = this.#keys.taken(queue, this.#given.owner);
      for (const envelope of (await this.#connection.callBytes('LRANGE', taken, 0, BATCH - 1)) as Buffer[]) {
        if (this.#given.isKnown(taken, envelope)) continue;
        const key = `${taken} ${envelope.toString('latin1')}`;
        const since = this.#strays.get(key) ?? now;
        if (now - since < this.#options.confirmMs) strays.set(key, since);
        else count += await this.#putBack(queue, taken, envelope);
      }
    }
    this.#strays = strays;
    return count;
  }

  /** What the server has recorded as held for stores of ours that were lost, and nobody knows of: their answers never came, or the requests were carried out later. */
  async returnStrays(known: () => ReadonlySet<string>): Promise<number> {
    let count = 0;
    for (const remains of remainsOf(this.#given.owner, this.#clock.now())) {
      const ids = known();
      const strays = (await this.#tagsOf(remains)).filter((tag) => !ids.has(tag));
      if (strays.length === 0) continue;
      const records = (await this.#connection.callBytes('HMGET', this.#keys.unacked, ...strays)) as (Buffer | null)[];
      // Numbers grow with taking: the last taken goes back first.
      const held = strays.flatMap((tag, i) => (records[i] ? [{ tag, record: records[i] }] : [])).toSorted(lastTakenFirst);
      count += await this.#giveBack(held);
    }
    return count;
  }

  async #tagsOf(remains: Remains): Promise<readonly string[]> {
    const tags: string[] = [];
    const [since, now] = [takenSinceMs(remains) / 1000, this.#clock.now() / 1000];
    for (let offset = 0, looked = PAGE; looked === PAGE; offset += PAGE) {
      const args = [since, now, remains.tagPrefix, offset, PAGE];
      const [count, found] = (await this.#connection.run(scripts.tagsOfStore, [this.#keys.unackedIndex], args)) as [number, string[]];
      looked = count;
      tags.push(...found);
    }
    return tags;
  }

  /** Kombu takes back what is older than the visibility timeout, from the living too: ours are made young before that. */
  async #refreshOurs(): Promise<void> {
    const halfMs = this.#options.visibilityTimeoutMs / 2;
    const now = this.#clock.monotonic();
    if (now - this.#refreshedAt < Math.min(60_000, halfMs / 4)) return;
    this.#refreshedAt = now;
    const at = this.#clock.now();
    // What is refreshed leaves the range; parked messages stay in it, and there may be many.
    for (let offset = 0, looked = PAGE; looked === PAGE;) {
      const args = [(at - halfMs) / 1000, at / 1000, RedisKeys.tagsOf(this.#given.owner), offset, PAGE];
      const [count, refreshed] = (await this.#connection.run(scripts.refresh, [this.#keys.unackedIndex], args)) as [number, number];
      looked = count;
      offset += count - refreshed;
    }
  }

  /** Kombu's restore, with its lock and its interval: for Python's tags, and for tags of ours that no list of workers knows of any more. */
  async #restoreOld(): Promise<number> {
    const now = this.#clock.monotonic();
    if (now - this.#restoredAt < this.#options.restoreEveryMs) return 0;
    this.#restoredAt = now;
    const token = newId();
    const locked = await this.#connection.call('SET', this.#keys.mutex, token, 'PX', this.#options.unackedMutexExpireMs, 'NX');
    if (locked === null) return 0;
    try {
      const oldest = (this.#clock.now() - this.#options.visibilityTimeoutMs) / 1000;
      const tags = (await this.#connection.call('ZRANGE', this.#keys.unackedIndex, 0, oldest, 'BYSCORE', 'LIMIT', 0, 1000)) as string[];
      const workers = new Set((await this.#connection.call('ZRANGE', this.#keys.workers, 0, -1)) as string[]);
      let count = 0;
      for (const tag of tags) {
        const owner = RedisKeys.ownerOf(tag);
        if (tag.startsWith(RedisKeys.parked) || (owner !== undefined && workers.has(owner))) continue;
        if (await this.#restore(tag)) count++;
      }
      return count;
    } finally {
      await this.#connection.run(scripts.unlock, [this.#keys.mutex], [token]);
    }
  }

  async #restore(tag: string): Promise<boolean> {
    const { unacked, unackedIndex } = this.#keys;
    const record = (await this.#connection.callBytes('HGET', unacked, tag)) as Buffer | null;
    const read = record === null ? undefined : readRecord(record.toString());
    if (read === undefined) {
      // An index entry without a message; a message that cannot be read stays where it can be looked at.
      if (record === null) await this.#connection.call('ZREM', unackedIndex, tag);
      return false;
    }
    const [first, ...others] = await this.#queuesFor(read.exchange, read.routingKey);
    if (first === undefined) {
      this.#given.log.warn(`cannot put back ${tag}: no queue is bound to exchange "${read.exchange}" for "${read.routingKey}"`);
      return false;
    }
    const envelope = marked(Buffer.from(read.envelope));
    const listOf = (queue: string): string => this.#keys.list(queue, priorityOf(read.envelope));
    const moved = await this.#unlessRefused(listOf(first), async () => {
      // All of them must be lists before the record goes.
      for (const queue of others) await this.#connection.call('LLEN', listOf(queue));
      return Number(await this.#connection.run(scripts.giveBack, [unacked, unackedIndex, listOf(first)], ['RPUSH', tag, envelope]));
    });
    if (moved !== 1) return false;
    for (const queue of others) await this.#connection.call('RPUSH', listOf(queue), envelope);
    return true;
  }

  async #queuesFor(exchange: string, routingKey: string): Promise<readonly string[]> {
    if (exchange === '') return [routingKey];
    const bindings = await this.#given.bindingsOf(exchange);
    const pattern = (binding: Binding): unknown => binding.arguments['pattern'];
    const matches = bindings.filter((binding) => {
      const topic = pattern(binding);
      return typeof topic === 'string' ? isMatch(topic, routingKey) : binding.routingKey === routingKey;
    });
    return [...new Set(matches.map(({ queue }) => queue))];
  }
}

/** A pattern that another process has written. */
function isMatch(pattern: string, routingKey: string): boolean {
  try {
    return new RegExp(pattern).test(routingKey);
  } catch {
    return false;
  }
}
