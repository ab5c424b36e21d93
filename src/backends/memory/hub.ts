import type { Json } from '../../protocol/json.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { ChordRecord } from './chords.ts';

/** A result store in this process: what the backends of one name share. */
export interface ResultHub {
  readonly metas: Map<string, Expiring<ResultMeta>>;
  readonly groups: Map<string, Expiring<Json>>;
  readonly chords: Map<string, ChordRecord>;
  readonly watchers: Map<string, Set<(meta: ResultMeta) => void>>;
  savesSinceSweep: number;
}

export interface Expiring<T> {
  readonly value: T;
  readonly expiresAtMs: number;
}

// One table for the process: the name in the URL is all that worker and client have in common.
const hubs = new Map<string, ResultHub>();

/** The result store of this name; made when first asked for, kept as long as the process. */
export function resultHub(name: string): ResultHub {
  const known = hubs.get(name);
  if (known !== undefined) return known;
  const hub: ResultHub = { metas: new Map(), groups: new Map(), chords: new Map(), watchers: new Map(), savesSinceSweep: 0 };
  hubs.set(name, hub);
  return hub;
}

/** Forgets a store and all that is in it; for tests that want a new one under an old name. */
export const forgetResultHub = (name: string): boolean => hubs.delete(name);

/** Removes what has expired. Called when the store has grown by half, so that each save pays for a constant share of it. */
export function sweep(hub: ResultHub, nowMs: number): number {
  hub.savesSinceSweep = 0;
  let count = 0;
  for (const table of [hub.metas, hub.groups, hub.chords] as const) {
    for (const [key, entry] of table) {
      if (entry.expiresAtMs <= nowMs && table.delete(key)) count += 1;
    }
  }
  return count;
}
