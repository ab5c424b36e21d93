import { Batch, forRows, placeholders } from '../../clients/sqlite-batch.ts';
import type { SqliteValue } from '../../clients/sqlite-driver.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import type { PutOptions } from '../virtual/queue-store.ts';
import { lifeMs } from '../virtual/time-to-live.ts';
import { bodyColumn, envelopeText, priorityOf } from './columns.ts';

const COLUMNS = ['queue', 'priority', 'due', 'expires_at', 'envelope', 'body'];
const MAX_ROWS = 400;
/** As many as one statement takes; then the batch needs no transaction around it. */
const ONE_STATEMENT: ReadonlySet<number> = new Set([1, 4, 16, 64]);

export type MessageRow = readonly [queue: string, priority: number, due: number | null, expiresAt: number | null, envelope: string, body: string | Uint8Array];

export function messageRow(
  queue: string,
  message: WireMessage,
  options: PutOptions & { readonly nowMs: number; readonly ttlMs: number | undefined },
): MessageRow {
  const { nowMs, ttlMs, notBeforeMs, route } = options;
  const life = lifeMs(message, ttlMs);
  const due = notBeforeMs !== undefined && notBeforeMs > nowMs ? Math.ceil(notBeforeMs) : null;
  const expiresAt = life === undefined ? null : Math.ceil(nowMs + life);
  return [queue, priorityOf(message), due, expiresAt, envelopeText(message, route), bodyColumn(message.body)];
}

/** Messages of one tick go in one transaction, as statements of many rows. */
export function putBatch(file: SqliteFile): Batch<MessageRow> {
  return new Batch<MessageRow>({
    file,
    when: 'soon',
    rings: 'messages',
    max: MAX_ROWS,
    isSingle: (rows) => ONE_STATEMENT.has(rows.length),
    write: (rows) =>
      forRows(rows.length, (from, count) => {
        const values: SqliteValue[] = [];
        for (let index = from; index < from + count; index++) values.push(...rows[index]!);
        file.sql(`INSERT INTO message (${COLUMNS.join()}) VALUES ${placeholders(count, COLUMNS.length)}`).run(values);
      }),
  });
}
