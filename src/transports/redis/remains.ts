import type { RedisConnection, RedisPeer } from '../../clients/redis.ts';

/** For so long may a server believe that a lost connection lives, and carry out what was still on its way: longer than its own probes (`tcp-keepalive`, 300 s) need. */
const HAUNTED_MS = 600_000;
/** What a request had been waiting for an answer when its connection was given up, at most. */
const UNANSWERED_MS = 60_000;
/** Of one owner; the oldest are forgotten first. */
const MOST_STORES = 16;
const MOST_OWNERS = 1000;

/** What a store whose connections were lost may have on the server without our knowing. */
export interface Remains {
  /** What the tags of all that it took begin with. */
  readonly tagPrefix: string;
  readonly takenQueues: readonly string[];
  /** As the server knew them. */
  readonly connections: readonly RedisPeer[];
  readonly lostAtMs: number;
}

/** By owner, in this process: a store that follows another one looks after what that one has left. */
const remains = new Map<string, Remains[]>();

export function leaveBehind(owner: string, left: Remains): void {
  const known = remains.get(owner) ?? [];
  remains.delete(owner);
  remains.set(owner, [...known, left].slice(-MOST_STORES));
  for (const oldest of remains.keys()) {
    if (remains.size <= MOST_OWNERS) break;
    remains.delete(oldest);
  }
}

/** Those that may still come to life. */
export function remainsOf(owner: string, nowMs: number): readonly Remains[] {
  const known = remains.get(owner);
  if (known === undefined) return NONE;
  const left = known.filter(({ lostAtMs }) => nowMs - lostAtMs < HAUNTED_MS);
  if (left.length === 0) remains.delete(owner);
  else if (left.length < known.length) remains.set(owner, left);
  return left;
}
const NONE: readonly Remains[] = [];

/** Since when its entries may have been written (milliseconds since the epoch). */
export const takenSinceMs = ({ lostAtMs }: Remains): number => lostAtMs - UNANSWERED_MS;

/** Ends what the server still takes for living connections of lost stores, so that nothing more is done for them. A server that may not be told so is left alone. */
export async function endConnections(owner: string, connection: RedisConnection, nowMs: number): Promise<void> {
  const { serverId } = connection.peer;
  // Another server, or one that was started anew, has given the same numbers to others.
  const ours = remainsOf(owner, nowMs).flatMap(({ connections }) => connections.filter((peer) => serverId !== undefined && peer.serverId === serverId));
  await Promise.allSettled(ours.map(({ clientId }) => connection.call('CLIENT', 'KILL', 'ID', String(clientId))));
}
