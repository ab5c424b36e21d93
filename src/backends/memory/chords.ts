import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import type { SignatureData } from '../../protocol/signature.ts';
import type { ChordArrival, ChordClaim, ChordPart, ChordStore, OverdueChord } from '../backend.ts';

/** One chord's barrier. */
export interface ChordRecord {
  /** Undefined until it is opened: parts may be faster. */
  size: number | undefined;
  body: SignatureData | undefined;
  extra: number;
  /** By task id and index: a second run of a part is the same part. */
  readonly parts: Map<string, ChordPart>;
  claim: { readonly token: string; untilMs: number } | undefined;
  isClosed: boolean;
  deadlineMs: number;
  expiresAtMs: number;
}

export interface ChordOptions {
  readonly chords: Map<string, ChordRecord>;
  readonly clock: Clock;
  readonly expiresMs: number | null;
  readonly joinTimeoutMs: number;
}

/** How long it is remembered that a chord is done, at least; longer than any part is on its way. */
const DONE_MS = 300_000;
const DONE: Promise<void> = Promise.resolve();

/** Celery 5.7's chord rules (celery-5.7.md 4), in one thread: nothing here awaits, so each method is atomic. */
export function memoryChords(options: ChordOptions): ChordStore {
  const { chords, clock } = options;
  const claimMs = Math.max(5000, Math.trunc((2 * options.joinTimeoutMs) / 1000) * 1000);
  const lifeEndMs = (): number => (options.expiresMs === null ? Number.POSITIVE_INFINITY : clock.now() + options.expiresMs);

  const recordOf = (groupId: string): ChordRecord => {
    const known = chords.get(groupId);
    if (known !== undefined && known.expiresAtMs > clock.now()) return known;
    const record: ChordRecord = {
      size: undefined,
      body: undefined,
      extra: 0,
      parts: new Map(),
      claim: undefined,
      isClosed: false,
      deadlineMs: Number.POSITIVE_INFINITY,
      expiresAtMs: lifeEndMs(),
    };
    chords.set(groupId, record);
    return record;
  };

  const close = (record: ChordRecord): void => {
    record.isClosed = true;
    record.claim = undefined;
    record.parts.clear();
    record.expiresAtMs = clock.now() + Math.max(2 * claimMs, DONE_MS);
  };

  const claimOf = (record: ChordRecord, token: string): ChordClaim => {
    const isOurs = (): boolean => !record.isClosed && record.claim?.token === token;
    return {
      extend(ms) {
        const now = clock.now();
        const isFree = record.claim === undefined || record.claim.untilMs <= now;
        if (record.isClosed || (!isOurs() && !isFree)) return Promise.resolve(false);
        record.claim = { token, untilMs: now + ms };
        return Promise.resolve(true);
      },
      close() {
        if (isOurs()) close(record);
        return DONE;
      },
      fail() {
        if (isOurs()) close(record);
        return DONE;
      },
    };
  };

  return {
    open(groupId, size, body) {
      const record = recordOf(groupId);
      record.size = size;
      record.body = body;
      record.isClosed = false;
      record.claim = undefined;
      record.deadlineMs = lifeEndMs();
      record.expiresAtMs = Number.POSITIVE_INFINITY;
      return DONE;
    },
    grow(groupId, by) {
      recordOf(groupId).extra += by;
      return DONE;
    },
    arrive(groupId, part) {
      const record = recordOf(groupId);
      if (record.isClosed) return Promise.resolve<ChordArrival>({ kind: 'closed' });
      const key = `${part.taskId}:${part.index}`;
      if (!record.parts.has(key)) record.parts.set(key, part);
      if (record.size === undefined || record.parts.size !== record.size + record.extra) return Promise.resolve<ChordArrival>({ kind: 'counted' });
      const now = clock.now();
      if (record.claim !== undefined && record.claim.untilMs > now) {
        return Promise.resolve<ChordArrival>({ kind: 'busy', retryInMs: record.claim.untilMs - now });
      }
      const token = newId();
      record.claim = { token, untilMs: now + claimMs };
      return Promise.resolve<ChordArrival>({ kind: 'mine', parts: inHeaderOrder(record.parts.values()), claim: claimOf(record, token) });
    },
    overdue(max) {
      const now = clock.now();
      const late: OverdueChord[] = [];
      for (const [groupId, record] of chords) {
        if (late.length >= max) break;
        if (record.isClosed || record.body === undefined || record.deadlineMs > now || (record.claim?.untilMs ?? 0) > now) continue;
        late.push({ groupId, body: record.body, size: (record.size ?? 0) + record.extra, arrived: inHeaderOrder(record.parts.values()) });
        close(record);
      }
      return Promise.resolve(late);
    },
  };
}

/** By index; parts that know none come last. */
function inHeaderOrder(parts: Iterable<ChordPart>): readonly ChordPart[] {
  const place = (part: ChordPart): number => part.index ?? Number.MAX_SAFE_INTEGER;
  return [...parts].sort((a, b) => place(a) - place(b));
}
