import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { QueueSpec } from '../transport.ts';

/** What a queue's arguments mean to us: how long its messages live, and how long it may stay unused. */
export interface QueueLimits {
  readonly ttlMs: number | undefined;
  readonly unusedMs: number | undefined;
}

export function limitsOf(queue: QueueSpec): QueueLimits {
  const ms = (name: string): number | undefined => {
    const value = queue.arguments[name];
    return value === undefined || value === null || !Number.isFinite(Number(value)) ? undefined : Number(value);
  };
  return { ttlMs: ms('x-message-ttl'), unusedMs: ms('x-expires') };
}

export function createQueue(file: SqliteFile, name: string, limits: QueueLimits, nowMs: number): Promise<void> {
  return file.write({
    when: 'soon',
    rings: false,
    rows: () => 1,
    isSingle: () => true,
    run: () =>
      void file
        .sql(
          `INSERT INTO queue (name, ttl_ms, unused_ms, used_at) VALUES (?, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET ttl_ms = excluded.ttl_ms, unused_ms = excluded.unused_ms, used_at = excluded.used_at`,
        )
        .run([name, limits.ttlMs ?? null, limits.unusedMs ?? null, nowMs]),
  });
}

export function touchQueue(file: SqliteFile, name: string, nowMs: number): Promise<void> {
  return file.write({
    when: 'later',
    rings: false,
    rows: () => 1,
    isSingle: () => true,
    run: () => void file.sql('UPDATE queue SET used_at = ? WHERE name = ?').run([nowMs, name]),
  });
}

/** Messages in somebody's hands stay there, as on Redis: they end with their verdict. */
export async function deleteQueue(file: SqliteFile, name: string): Promise<void> {
  await file.write({
    when: 'soon',
    rings: 'bindings',
    rows: () => 2,
    run: () => {
      file.sql('DELETE FROM queue WHERE name = ?').run([name]);
      file.sql('DELETE FROM binding WHERE queue = ?').run([name]);
    },
  });
  await purge(file, name);
}

/** In steps, so that nobody waits long for the lock: what is ready, then what is not due yet. */
export async function purge(file: SqliteFile, name: string): Promise<number> {
  let count = 0;
  for (const which of ['owner = 0 AND due IS NULL', 'due IS NOT NULL']) {
    for (let step = STEP_ROWS; step === STEP_ROWS; count += step) {
      step = await file.write({
        when: 'soon',
        rings: false,
        rows: () => STEP_ROWS,
        run: () => file.sql(`DELETE FROM message WHERE id IN (SELECT id FROM message WHERE ${which} AND queue = ? LIMIT ${STEP_ROWS})`).run([name]),
      });
    }
  }
  return count;
}
const STEP_ROWS = 400;

/** What is not due yet of these tasks is due now. */
export async function recall(file: SqliteFile, taskIds: readonly string[], nowMs: number): Promise<number> {
  let count = 0;
  for (let from = 0; from < taskIds.length; from += STEP_ROWS) {
    const ids = taskIds.slice(from, from + STEP_ROWS);
    const where = `due > ? AND json_extract(envelope, '$.headers.id') IN (${ids.map(() => '?').join()})`;
    // Looked for without the lock: as a rule there is none.
    if (file.readNow(() => file.sql(`SELECT 1 FROM message WHERE ${where} LIMIT 1`).get([nowMs, ...ids])) === undefined) continue;
    count += await file.write({
      when: 'soon',
      rings: 'messages',
      rows: () => ids.length,
      run: () => file.sql(`UPDATE message SET due = ? WHERE ${where}`).run([Math.floor(nowMs), nowMs, ...ids]),
    });
  }
  return count;
}

/** Ready and not due yet. */
export function size(file: SqliteFile, name: string): Promise<number> {
  return file.read(() =>
    Number(
      file
        .sql(
          `SELECT (SELECT count(*) FROM message WHERE owner = 0 AND due IS NULL AND queue = ?1) +
                  (SELECT count(*) FROM message WHERE due IS NOT NULL AND queue = ?1)`,
        )
        .get([name])![0],
    ),
  );
}

/** Queues with `x-expires` that nobody has used for so long (replies to programs that are gone). To be run in a transaction. */
export function deleteUnusedQueues(file: SqliteFile, nowMs: number): void {
  for (const [name] of file.sql('SELECT name FROM queue WHERE unused_ms IS NOT NULL AND used_at + unused_ms < ? LIMIT 100').all([nowMs])) {
    file.sql('DELETE FROM queue WHERE name = ?').run([String(name)]);
    file.sql('DELETE FROM binding WHERE queue = ?').run([String(name)]);
    file.sql('DELETE FROM message WHERE owner = 0 AND queue = ?').run([String(name)]);
  }
}
