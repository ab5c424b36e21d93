import type { SqliteRow } from '../../clients/sqlite-driver.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { decodeJson, encodedText, encodeJson } from '../../protocol/json-text.ts';
import { readSignature, type SignatureData } from '../../protocol/signature.ts';
import type { ChordArrival, ChordClaim, ChordPart, ChordStore, OverdueChord } from '../backend.ts';

export interface ChordOptions {
  readonly file: SqliteFile;
  readonly clock: Clock;
  /** How long a chord may take; null: for ever. */
  readonly expiresMs: number | null;
  /** How long who has taken the last part in has the chord for himself. */
  readonly claimMs: number;
}

/** How long it is remembered that a chord is over, where chords have no time limit: late copies of its parts must find that. */
const REMEMBER_MS = 24 * 3_600_000;
/** In place of a part's index that is null. */
const NO_INDEX = -1;

/** The barrier of chords: each call is one transaction. A row per chord, open, done or failed, and a row per part while it is open. */
export class SqliteChords implements ChordStore {
  readonly #options: ChordOptions;

  constructor(options: ChordOptions) {
    this.#options = options;
  }

  open(groupId: string, size: number, body: SignatureData): Promise<void> {
    return this.#write(1, (file, nowMs) => void file.sql(OPEN).run([groupId, size, encodeJson(body), this.#deadline(nowMs)]));
  }

  grow(groupId: string, by: number): Promise<void> {
    return this.#write(1, (file) => void file.sql(`UPDATE chord SET size = size + ? WHERE group_id = ? AND state = 'open'`).run([by, groupId]));
  }

  arrive(groupId: string, part: ChordPart): Promise<ChordArrival> {
    return this.#write(100, (file, nowMs) => this.#arrive(file, groupId, part, nowMs));
  }

  overdue(max: number): Promise<readonly OverdueChord[]> {
    return this.#write(max, (file, nowMs) =>
      file
        .sql(OVERDUE)
        .all([nowMs, max, nowMs + (this.#options.expiresMs ?? REMEMBER_MS)])
        .map(([groupId, body, size]) => {
          const arrived = file
            .sql(PARTS)
            .all([String(groupId)])
            .map(readPart);
          file.sql(FORGET_PARTS).run([String(groupId)]);
          return { groupId: String(groupId), body: readSignature(decodeJson(String(body))), size: Number(size), arrived };
        }),
    );
  }

  #arrive(file: SqliteFile, groupId: string, part: ChordPart, nowMs: number): ChordArrival {
    // A part may be faster than the one who opens the chord, or that one may be Python's kind that opens none.
    file.sql(`INSERT OR IGNORE INTO chord (group_id, state, expires_at) VALUES (?, 'open', ?)`).run([groupId, this.#deadline(nowMs)]);
    const [size, state, claimedUntil, before] = file.sql('SELECT size, state, claimed_until, part_count FROM chord WHERE group_id = ?').get([groupId])!;
    if (state !== 'open') return { kind: 'closed' };
    const added = file
      .sql('INSERT OR IGNORE INTO chord_part (group_id, task_id, part, status, result) VALUES (?, ?, ?, ?, ?)')
      .run([groupId, part.taskId, part.index ?? NO_INDEX, part.status, part.result.json]);
    if (size === null || Number(before) + added < Number(size)) return { kind: 'counted' };
    if (Number(claimedUntil) > nowMs) return { kind: 'busy', retryInMs: Number(claimedUntil) - nowMs };
    const token = newId();
    file.sql('UPDATE chord SET claim = ?, claimed_until = ? WHERE group_id = ?').run([token, nowMs + this.#options.claimMs, groupId]);
    return { kind: 'mine', parts: file.sql(PARTS).all([groupId]).map(readPart), claim: this.#claim(groupId, token) };
  }

  #claim(groupId: string, token: string): ChordClaim {
    // Of a claim that another has taken over nothing is left to end.
    const end = (state: 'done' | 'failed'): Promise<void> =>
      this.#write(100, (file, nowMs) => {
        const changed = file.sql(END).run([state, nowMs + (this.#options.expiresMs ?? REMEMBER_MS), groupId, token]);
        if (changed > 0) file.sql(FORGET_PARTS).run([groupId]);
      });
    return {
      extend: (ms) =>
        this.#write(
          1,
          (file, nowMs) =>
            file.sql(`UPDATE chord SET claimed_until = ? WHERE group_id = ? AND claim = ? AND state = 'open'`).run([nowMs + ms, groupId, token]) > 0,
        ),
      close: () => end('done'),
      fail: () => end('failed'),
    };
  }

  #deadline(nowMs: number): number | null {
    const { expiresMs } = this.#options;
    return expiresMs === null ? null : nowMs + expiresMs;
  }

  #write<T>(rows: number, run: (file: SqliteFile, nowMs: number) => T): Promise<T> {
    const { file, clock } = this.#options;
    return file.write({ when: 'soon', rings: false, rows: () => rows, run: () => run(file, Math.ceil(clock.now())) });
  }
}

/** Deletes chords that are over and forgotten, and parts of chords that nobody has opened. To be run in a transaction. */
export function sweepChords(file: SqliteFile, beforeMs: number, max: number): number {
  const groups = file.sql(`SELECT group_id FROM chord WHERE expires_at <= ? AND (state <> 'open' OR body IS NULL) LIMIT ?`).all([beforeMs, max]);
  for (const [groupId] of groups) {
    file.sql(FORGET_PARTS).run([String(groupId)]);
    file.sql('DELETE FROM chord WHERE group_id = ?').run([String(groupId)]);
  }
  return groups.length;
}

/** Sent again under the same id, a chord begins anew; parts that came before it was opened count. */
const OPEN = `
  INSERT INTO chord (group_id, size, body, state, expires_at) VALUES (?, ?, ?, 'open', ?)
  ON CONFLICT (group_id) DO UPDATE SET
    size = excluded.size, body = excluded.body, state = 'open', expires_at = excluded.expires_at, claim = NULL, claimed_until = 0`;
const OVERDUE = `
  UPDATE chord SET state = 'failed', claim = NULL, expires_at = ?3
  WHERE group_id IN (
    SELECT group_id FROM chord WHERE expires_at <= ?1 AND state = 'open' AND body IS NOT NULL AND claimed_until <= ?1 ORDER BY expires_at LIMIT ?2)
  RETURNING group_id, body, size`;
const END = `UPDATE chord SET state = ?, body = NULL, claim = NULL, expires_at = ? WHERE group_id = ? AND claim = ? AND state = 'open'`;
const PARTS = `SELECT part, task_id, status, result FROM chord_part WHERE group_id = ? ORDER BY part = ${NO_INDEX}, part, id`;
const FORGET_PARTS = 'DELETE FROM chord_part WHERE group_id = ?';

function readPart([index, taskId, status, result]: SqliteRow): ChordPart {
  return { index: index === NO_INDEX ? null : Number(index), taskId: String(taskId), status: String(status), result: encodedText(String(result)) };
}
