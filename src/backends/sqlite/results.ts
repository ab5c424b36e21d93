import { Batch, forRows, placeholders } from '../../clients/sqlite-batch.ts';
import type { SqliteValue } from '../../clients/sqlite-driver.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { Clock } from '../../kernel/clock.ts';

/** One save: the columns of its row, and the states over which it may write (undefined: all but SUCCESS). */
export interface ResultRow {
  readonly taskId: string;
  readonly status: string;
  readonly expiresAt: number | null;
  readonly meta: string | Uint8Array;
  readonly over: readonly string[] | undefined;
}

const MAX_ROWS = 400;
const SWEEP_TABLES = ['result', 'task_group'] as const;

/** What has expired goes with the batches, but not with each that holds a single result: after so many rows, or when so much time has passed. */
const SWEEP_AFTER_ROWS = 100;
const SWEEP_AFTER_MS = 1000;

/** Saves travel with whatever is written next, in the order of the calls. */
export function resultBatch(file: SqliteFile, clock: Clock): Batch<ResultRow> {
  let unswept = 0;
  let sweptAt = Number.NEGATIVE_INFINITY;
  return new Batch<ResultRow>({
    file,
    when: 'later',
    rings: 'results',
    max: MAX_ROWS,
    write(rows) {
      const nowMs = clock.now();
      for (let from = 0; from < rows.length;) {
        // What may be written over is part of the statement.
        const over = rows[from]!.over;
        const end = rows.findIndex((row, index) => index > from && row.over !== over);
        const alike = rows.slice(from, end === -1 ? rows.length : end);
        writeRows(file, alike, over, nowMs);
        from += alike.length;
      }
      // Twice what came: so the file does not grow for ever, and nobody ever waits for a great sweep.
      unswept += rows.length;
      if (unswept < SWEEP_AFTER_ROWS && clock.monotonic() - sweptAt < SWEEP_AFTER_MS) return;
      sweepSome(file, nowMs, 2 * unswept);
      unswept = 0;
      sweptAt = clock.monotonic();
    },
  });
}

/**
 * Row by row inside one statement, so that a later save sees the earlier one. A change gets the number in `seq` that SQLite
 * drew for a new row: one that no row ever had, also where the newest rows were deleted (AUTOINCREMENT).
 */
function writeRows(file: SqliteFile, rows: readonly ResultRow[], over: readonly string[] | undefined, nowMs: number): void {
  const guard = over === undefined ? `status <> 'SUCCESS'` : 'status IN (SELECT value FROM json_each(?))';
  forRows(rows.length, (from, count) => {
    const values: SqliteValue[] = [];
    for (const row of rows.slice(from, from + count)) values.push(row.taskId, row.status, row.expiresAt, row.meta);
    if (over !== undefined) values.push(JSON.stringify(over));
    file
      .sql(
        `INSERT INTO result (task_id, status, expires_at, meta) VALUES ${placeholders(count, 4)}
         ON CONFLICT (task_id) DO UPDATE SET
           seq = excluded.seq, status = excluded.status, expires_at = excluded.expires_at, meta = excluded.meta
         WHERE ${guard} OR result.expires_at <= ?`,
      )
      .run([...values, nowMs]);
  });
}

/** Deletes up to `max` rows of each kind that have expired; returns how many. To be run in a transaction. */
export function sweepSome(file: SqliteFile, beforeMs: number, max: number): number {
  let count = 0;
  for (const table of SWEEP_TABLES) {
    count += file
      .sql(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`)
      .run([beforeMs, max]);
  }
  return count;
}
