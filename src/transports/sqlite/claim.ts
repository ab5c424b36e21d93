import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { Reservation } from '../virtual/queue-store.ts';
import { readColumns } from './columns.ts';

export interface ClaimOptions {
  readonly owner: string;
  readonly queues: readonly string[];
  readonly max: number;
  readonly nowMs: number;
  /** Whether `peek` has seen delayed messages whose time has come. */
  readonly isDue: boolean;
  readonly maxMessageBytes: number;
}

/** `last_id` of an owner goes up in steps of so many, beyond what it holds: nearly every claim is spared writing a page of its own for it. */
const LAST_ID_STEP = 1000;

const READY = 'owner = 0 AND due IS NULL';
const CLAIM = `
  UPDATE message SET owner = ?1
  WHERE id IN (SELECT id FROM message WHERE ${READY} AND queue = ?2 ORDER BY priority DESC, id LIMIT ?3)
  RETURNING id, priority, redelivered, expires_at, envelope, iif(octet_length(body) > ?4, NULL, body)`;

/** Takes messages, and holds them for `owner`. Undefined when that one was declared lost. To be run in a transaction. */
export function claim(file: SqliteFile, options: ClaimOptions): Reservation[] | undefined {
  const owner = ownerRow(file, options.owner);
  if (owner === undefined) return undefined;
  const taken: Reservation[] = [];
  for (const queue of options.queues) {
    if (options.isDue) ripen(file, queue, options.nowMs);
    while (taken.length < options.max && claimOf(file, queue, owner.id, options, taken));
    if (taken.length >= options.max) break;
  }
  // Who looks for the holds of a lost owner need not look further than this.
  const lastId = taken.reduce((last, { id }) => Math.max(last, Number(id)), 0);
  if (lastId > owner.lastId) file.sql('UPDATE owner SET last_id = ? WHERE id = ?').run([lastId + LAST_ID_STEP, owner.id]);
  return taken;
}

/** True when it met messages that were too old, so that there may be more behind them. */
function claimOf(file: SqliteFile, queue: string, owner: number, { max, nowMs, maxMessageBytes }: ClaimOptions, taken: Reservation[]): boolean {
  const rows = file.sql(CLAIM).all([owner, queue, max - taken.length, maxMessageBytes]);
  // RETURNING gives them in the order of the table.
  const inOrder = rows.length > 1 ? rows.toSorted((a, b) => Number(b[1]) - Number(a[1]) || Number(a[0]) - Number(b[0])) : rows;
  const expired: number[] = [];
  for (const [id, , redelivered, expiresAt, envelope, body] of inOrder) {
    if (expiresAt !== null && Number(expiresAt) <= nowMs) {
      expired.push(Number(id));
      continue;
    }
    const { message, route } = readColumns(envelope!, body!);
    taken.push({ id: String(id), queue, message, redelivered: redelivered !== 0, ...(route !== undefined && { route }) });
  }
  if (expired.length > 0) file.sql('DELETE FROM message WHERE id IN (SELECT value FROM json_each(?))').run([JSON.stringify(expired)]);
  return expired.length > 0;
}

/** Delayed messages whose time has come are ready. */
function ripen(file: SqliteFile, queue: string, nowMs: number): void {
  const some = 'SELECT id FROM message WHERE due IS NOT NULL AND queue = ? AND due <= ? ORDER BY due LIMIT 400';
  file.sql(`UPDATE message SET due = NULL WHERE id IN (${some})`).run([queue, nowMs]);
}

/** The row of an owner, made if it is missing: without a lease until it is renewed. */
function ownerRow(file: SqliteFile, name: string): { readonly id: number; readonly lastId: number } | undefined {
  const row = file.sql('SELECT id, last_id, lost_at FROM owner WHERE name = ?').get([name]);
  if (row !== undefined) return row[2] === null ? { id: Number(row[0]), lastId: Number(row[1]) } : undefined;
  return { id: Number(file.sql('INSERT INTO owner (name, expires_at) VALUES (?, 0) RETURNING id').get([name])![0]), lastId: 0 };
}

/** Whether there is anything to take, without taking the lock: many may be woken by one message. */
export function peek(file: SqliteFile, queues: readonly string[]): { readonly isReady: boolean; readonly dueMs: number } {
  let isReady = false;
  let dueMs = Number.POSITIVE_INFINITY;
  for (const queue of queues) {
    const [isReadyHere, due] = file.sql(PEEK).get([queue])!;
    isReady ||= isReadyHere === 1;
    if (due !== null) dueMs = Math.min(dueMs, Number(due));
  }
  return { isReady, dueMs };
}
const PEEK = `SELECT EXISTS (SELECT 1 FROM message WHERE ${READY} AND queue = ?1), (SELECT min(due) FROM message WHERE due IS NOT NULL AND queue = ?1)`;
