import { Batch } from '../../clients/sqlite-batch.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { Verdict } from '../transport.ts';
import type { Reservation } from '../virtual/queue-store.ts';

/** How many dead letters are kept for each queue: the newest. */
const MAX_DEAD = 10_000;
const MAX_ROWS = 400;

interface Settled {
  readonly reservation: Reservation;
  readonly verdict: Verdict;
}

const OURS = 'id = ?1 AND owner = (SELECT id FROM owner WHERE name = ?2)';
const COLUMNS = 'queue, priority, expires_at, envelope, body';

/** Verdicts travel with whatever is written next. What the owner does not hold is left alone. */
export function settleBatch(file: SqliteFile, options: { readonly owner: string; readonly rings: 'messages' | false; now(): number }): Batch<Settled> {
  const { owner, rings } = options;
  return new Batch<Settled>({
    file,
    when: 'later',
    rings,
    max: MAX_ROWS,
    isSingle: (settled) => settled.every(({ verdict }) => verdict === 'ack'),
    write(settled) {
      const acked: number[] = [];
      for (const { reservation, verdict } of settled) {
        if (verdict === 'ack') acked.push(Number(reservation.id));
        else putAway(file, { id: Number(reservation.id), owner, verdict, nowMs: options.now() });
      }
      if (acked.length > 0) file.sql(ACK).run([JSON.stringify(acked), owner]);
    },
  });
}
const ACK = 'DELETE FROM message WHERE id IN (SELECT value FROM json_each(?1)) AND owner = (SELECT id FROM owner WHERE name = ?2)';

function putAway(
  file: SqliteFile,
  { id, owner, verdict, nowMs }: { readonly id: number; readonly owner: string; readonly verdict: Verdict; readonly nowMs: number },
): void {
  if (verdict === 'return') {
    // Where it stood it is the next to be taken again.
    file.sql(`UPDATE message SET owner = 0, redelivered = 1 WHERE ${OURS}`).run([id, owner]);
    return;
  }
  if (verdict === 'requeue') file.sql(`INSERT INTO message (${COLUMNS}, redelivered) SELECT ${COLUMNS}, 1 FROM message WHERE ${OURS}`).run([id, owner]);
  else bury(file, id, owner, nowMs);
  file.sql(`DELETE FROM message WHERE ${OURS}`).run([id, owner]);
}

function bury(file: SqliteFile, id: number, owner: string, nowMs: number): void {
  const dead = file
    .sql(`INSERT INTO dead (queue, died_at, envelope, body) SELECT queue, ?3, envelope, body FROM message WHERE ${OURS} RETURNING queue`)
    .get([id, owner, nowMs]);
  if (dead === undefined) return;
  file
    .sql('DELETE FROM dead WHERE queue = ?1 AND id <= (SELECT id FROM dead WHERE queue = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)')
    .run([String(dead[0]), MAX_DEAD]);
}
