import type { RedisConnection } from '../../clients/redis.ts';
import { RedisKeys } from './keys.ts';

export interface HeldEntry {
  readonly tag: string;
  readonly record: Buffer;
}

/** All that an owner holds, the last taken first. Reads the whole of `unacked`: only for owners that are gone, and at the ends of our own life. */
export async function heldBy(connection: RedisConnection, keys: RedisKeys, owner: string): Promise<readonly HeldEntry[]> {
  const pattern = `${RedisKeys.tagsOf(owner).replaceAll(/[[\]*?\\^]/g, String.raw`\$&`)}*`;
  const held = new Map<string, HeldEntry>();
  let cursor = '0';
  do {
    const [next, found] = (await connection.callBytes('HSCAN', keys.unacked, cursor, 'MATCH', pattern, 'COUNT', 1000)) as [Buffer, Buffer[]];
    cursor = String(next);
    for (let i = 0; i + 1 < found.length; i += 2) held.set(String(found[i]), { tag: String(found[i]), record: found[i + 1]! });
  } while (cursor !== '0');
  return [...held.values()].toSorted(lastTakenFirst);
}

export const lastTakenFirst = (a: HeldEntry, b: HeldEntry): number => orderOf(b.tag) - orderOf(a.tag) || (a.tag < b.tag ? 1 : -1);

const orderOf = (tag: string): number => Number(tag.slice(tag.lastIndexOf('/') + 1));
