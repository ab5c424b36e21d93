import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { Clock } from '../../kernel/clock.ts';
import { deleteUnusedQueues } from './queues.ts';

export interface RecoveryOptions {
  readonly file: SqliteFile;
  readonly clock: Clock;
  readonly owner: string;
  /** Between the two looks at which an owner must be gone. */
  readonly confirmMs: number;
}

interface Scan {
  readonly owners: readonly number[];
  /** No hold of theirs has a greater id. */
  readonly lastId: number;
  /** Looked through so far. */
  at: number;
}

/** How many rows of messages one step looks through for holds. */
const SCAN_ROWS = 4000;
/** A suspended process must find, whenever it wakes, that it was declared lost. */
const REMEMBER_LOST_MS = 7 * 24 * 3_600_000;

/** The leases: our own, and what becomes of others' messages when theirs have lapsed (decisions.md 18–20). */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Owners whose lease had lapsed at the last look: since when, by our own clock. */
  readonly #gone = new Map<number, number>();
  /** The search for what lost owners held; it goes on where the last call ended. */
  #scan: Scan | undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  renew(leaseMs: number): Promise<boolean> {
    const { file, clock, owner } = this.#options;
    return file.write({
      when: 'soon',
      rings: false,
      rows: () => 1,
      run: () => file.sql(RENEW).run([owner, Math.ceil(clock.now() + leaseMs)]) > 0,
    });
  }

  async recover(max: number): Promise<number> {
    const { file, clock } = this.#options;
    const nowMs = clock.now();
    const gone = this.#confirmed(await file.read(() => file.sql('SELECT id FROM owner WHERE lost_at IS NULL AND expires_at <= ?').all([nowMs])));
    if (gone.length > 0) await this.#declareLost(gone, nowMs);
    await this.#tidy(nowMs);
    let count = 0;
    while (count < max) {
      const step = await this.#putBack(max - count);
      if (step === undefined) break;
      count += step;
    }
    return count;
  }

  /** Puts back what our owner holds in the file but not in `known`. */
  async reconcile(known: ReadonlySet<string>): Promise<number> {
    const { file, owner } = this.#options;
    const row = await file.read(() => file.sql('SELECT id, last_id FROM owner WHERE name = ?').get([owner]));
    if (row === undefined || row[1] === 0) return 0;
    return file.write({
      when: 'soon',
      rings: 'messages',
      rows: () => 1,
      run: () => {
        const held = file.sql('SELECT id FROM message WHERE id <= ? AND owner = ?').all([Number(row[1]), Number(row[0])]);
        const unknown = held.map(([id]) => Number(id)).filter((id) => !known.has(String(id)));
        return file.sql('UPDATE message SET owner = 0, redelivered = 1 WHERE id IN (SELECT value FROM json_each(?))').run([JSON.stringify(unknown)]);
      },
    });
  }

  /** Those that were gone at a look at least `confirmMs` ago too, and not seen alive since. */
  #confirmed(rows: readonly (readonly unknown[])[]): readonly number[] {
    const now = this.#options.clock.monotonic();
    const ids = new Set(rows.map(([id]) => Number(id)));
    for (const id of this.#gone.keys()) if (!ids.has(id)) this.#gone.delete(id);
    for (const id of ids) if (!this.#gone.has(id)) this.#gone.set(id, now);
    return [...ids].filter((id) => now - this.#gone.get(id)! >= this.#options.confirmMs);
  }

  /** In one step, and only those that are still gone. */
  async #declareLost(ids: readonly number[], nowMs: number): Promise<void> {
    const { file } = this.#options;
    await file.write({
      when: 'soon',
      rings: false,
      rows: () => ids.length,
      run: () => file.sql(LOSE).run([JSON.stringify(ids), nowMs]),
    });
    for (const id of ids) this.#gone.delete(id);
  }

  /** One step through the messages; undefined when there is nothing (more) to look for. */
  async #putBack(max: number): Promise<number | undefined> {
    const { file } = this.#options;
    const scan = (this.#scan ??= await this.#beginScan());
    if (scan === undefined) return undefined;
    const owners = JSON.stringify(scan.owners);
    const held = await file.read(() => file.sql(HELD).all([scan.at, owners, Math.min(max, 400)]));
    if (held.length === 0) {
      const end = await file.read(() => file.sql(SCAN_END).get([scan.at])![0] ?? null);
      scan.at = end === null ? scan.lastId : Number(end);
      if (scan.at >= scan.lastId) await this.#endScan(owners);
      // A long queue is looked through in steps, with the event loop turning between them.
      await new Promise(setImmediate);
      return 0;
    }
    scan.at = Number(held.at(-1)![0]);
    const ids = JSON.stringify(held.map(([id]) => id));
    return file.write({ when: 'soon', rings: 'messages', rows: () => held.length, run: () => file.sql(PUT_BACK).run([ids, owners]) });
  }

  async #beginScan(): Promise<Scan | undefined> {
    const { file } = this.#options;
    const rows = await file.read(() => file.sql('SELECT id, last_id FROM owner WHERE lost_at IS NOT NULL AND returned = 0').all());
    if (rows.length === 0) return undefined;
    return { owners: rows.map(([id]) => Number(id)), lastId: Math.max(...rows.map(([, lastId]) => Number(lastId))), at: 0 };
  }

  async #endScan(owners: string): Promise<void> {
    const { file } = this.#options;
    this.#scan = undefined;
    const sql = 'UPDATE owner SET returned = 1 WHERE id IN (SELECT value FROM json_each(?))';
    await file.write({ when: 'soon', rings: false, rows: () => 1, isSingle: () => true, run: () => void file.sql(sql).run([owners]) });
  }

  async #tidy(nowMs: number): Promise<void> {
    const { file } = this.#options;
    const isNeeded = await file.read(
      () => file.sql(`SELECT EXISTS (${STALE_OWNER}) OR EXISTS (${STALE_QUEUE})`).get([nowMs - REMEMBER_LOST_MS, nowMs])?.[0] === 1,
    );
    if (!isNeeded) return;
    await file.write({
      when: 'soon',
      rings: false,
      rows: () => 100,
      run: () => {
        file.sql('DELETE FROM owner WHERE returned = 1 AND lost_at < ?').run([nowMs - REMEMBER_LOST_MS]);
        deleteUnusedQueues(file, nowMs);
      },
    });
  }
}

const RENEW = `INSERT INTO owner (name, expires_at) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at WHERE lost_at IS NULL`;
const LOSE = `UPDATE owner SET lost_at = ?2 WHERE id IN (SELECT value FROM json_each(?1)) AND lost_at IS NULL AND expires_at <= ?2`;
const STALE_OWNER = 'SELECT 1 FROM owner WHERE returned = 1 AND lost_at < ?1';
const STALE_QUEUE = 'SELECT 1 FROM queue WHERE unused_ms IS NOT NULL AND used_at + unused_ms < ?2';
/** Of a bounded piece of the table: holds have no index, since every message would pay for it. */
const HELD = `
  SELECT id FROM (SELECT id, owner FROM message WHERE id > ?1 ORDER BY id LIMIT ${SCAN_ROWS})
  WHERE owner IN (SELECT value FROM json_each(?2)) ORDER BY id LIMIT ?3`;
const SCAN_END = `SELECT max(id) FROM (SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ${SCAN_ROWS})`;
const PUT_BACK = `
  UPDATE message SET owner = 0, redelivered = 1
  WHERE id IN (SELECT value FROM json_each(?1)) AND owner IN (SELECT value FROM json_each(?2))`;
