import type { Clock } from '../kernel/clock.ts';
import { LimitedSet } from '../kernel/limited-set.ts';
import type { Json, Value } from '../protocol/json.ts';
import type { TaskHeaders } from '../protocol/task-message.ts';

/** Celery's bounds of what a worker remembers. */
const MAX_IDS = 50_000;
const EXPIRES_MS = 3 * 3_600_000;
const MAX_STAMPS = 50_000;

/** Tasks that must not run: by id, and by the stamps they carry. */
export class Revoked {
  readonly ids: LimitedSet<string>;
  readonly #clock: Clock;
  readonly #stamps = new Map<string, LimitedSet<Json>>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.ids = new LimitedSet({ clock, maxSize: MAX_IDS, expiresMs: EXPIRES_MS });
  }

  add(ids: Iterable<string>): void {
    for (const id of ids) this.ids.add(id);
  }

  /** Every value of a stamp revokes the tasks that carry it. */
  addStamps(name: string, values: Iterable<Json>): void {
    let set = this.#stamps.get(name);
    if (set === undefined) this.#stamps.set(name, (set = new LimitedSet({ clock: this.#clock, maxSize: MAX_STAMPS, expiresMs: EXPIRES_MS })));
    for (const value of values) set.add(value);
  }

  has(headers: Pick<TaskHeaders, 'id' | 'stamps' | 'stamped_headers'>): boolean {
    return this.ids.has(headers.id) || (this.#stamps.size > 0 && this.#hasStamp(headers));
  }

  #hasStamp(headers: Pick<TaskHeaders, 'stamps' | 'stamped_headers'>): boolean {
    return (headers.stamped_headers ?? []).some((name) => {
      const set = this.#stamps.get(name);
      return set !== undefined && listOf(headers.stamps[name]).some((value) => set.has(value));
    });
  }
}

/** A stamp's value is one, or a list of them. */
export const listOf = (value: Json | undefined): readonly Json[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? (value as readonly Json[]) : [value];

/** What `hello` tells: 5.7 sends a list of ids, older ones a map from id to time. */
export function revokedIds(revoked: Value | undefined): readonly string[] {
  if (typeof revoked === 'object' && revoked !== null && !Array.isArray(revoked)) return Object.keys(revoked);
  return listOf(revoked as Json | undefined).map(String);
}
