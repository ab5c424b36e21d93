import { ImproperlyConfigured } from '../errors.ts';
import type { SqliteDatabase } from './sqlite-driver.ts';

/** "Cele" in ASCII: SQLite's application_id, by which a file is known to be ours. */
const APPLICATION_ID = 0x43_65_6c_65;

/**
 * The schema, as the steps that lead to it; `user_version` counts those that were made. A published step is never changed.
 *
 * message: ready where owner is 0 and due is null; held where owner is a row of `owner`; delayed where due is set. The envelope is JSON.
 * owner: the lease of a process's holds, none of which has an id above last_id; lost_at is set when a peer has declared it lost, returned when its messages are back.
 * result: seq grows with each change, so that watchers read what is new.
 * chord: part_count is the number of its rows in chord_part; triggers keep it.
 */
const STEPS: readonly string[] = [
  `
  CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    owner INTEGER NOT NULL DEFAULT 0,
    due INTEGER,
    expires_at INTEGER,
    redelivered INTEGER NOT NULL DEFAULT 0,
    envelope TEXT NOT NULL,
    body NOT NULL
  );
  CREATE INDEX message_ready ON message (queue, priority DESC, id) WHERE owner = 0 AND due IS NULL;
  CREATE INDEX message_due ON message (queue, due) WHERE due IS NOT NULL;
  CREATE TABLE queue (name TEXT PRIMARY KEY, ttl_ms INTEGER, unused_ms INTEGER, used_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE binding (
    exchange TEXT NOT NULL, queue TEXT NOT NULL, routing_key TEXT NOT NULL, arguments TEXT NOT NULL,
    PRIMARY KEY (exchange, queue, routing_key, arguments)
  ) WITHOUT ROWID;
  CREATE INDEX binding_queue ON binding (queue);
  CREATE TABLE owner (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, expires_at INTEGER NOT NULL,
    last_id INTEGER NOT NULL DEFAULT 0, lost_at INTEGER, returned INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE broadcast (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, sent_at INTEGER NOT NULL, envelope TEXT NOT NULL, body NOT NULL);
  CREATE TABLE dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, died_at INTEGER NOT NULL, envelope TEXT NOT NULL, body NOT NULL
  );
  CREATE INDEX dead_queue ON dead (queue, id);
  CREATE TABLE result (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, expires_at INTEGER, meta NOT NULL
  );
  CREATE INDEX result_expiry ON result (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE task_group (group_id TEXT PRIMARY KEY, expires_at INTEGER, tree TEXT NOT NULL);
  CREATE INDEX task_group_expiry ON task_group (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE chord (
    group_id TEXT PRIMARY KEY, size INTEGER, body TEXT, state TEXT NOT NULL, expires_at INTEGER, claim TEXT, claimed_until INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX chord_expiry ON chord (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE chord_part (
    id INTEGER PRIMARY KEY, group_id TEXT NOT NULL, task_id TEXT NOT NULL, part INTEGER NOT NULL, status TEXT NOT NULL, result NOT NULL,
    UNIQUE (group_id, task_id, part)
  );
  `,
  // How many parts have arrived: counted anew for each, a chord of thousands would read its parts millions of times.
  `
  ALTER TABLE chord ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
  UPDATE chord SET arrived = (SELECT count(*) FROM chord_part WHERE chord_part.group_id = chord.group_id);
  `,
  // Kept by the file itself, so that processes count together of which one opened it at an earlier step. The new name stops those that raise it on their own.
  `
  ALTER TABLE chord RENAME COLUMN arrived TO part_count;
  UPDATE chord SET part_count = (SELECT count(*) FROM chord_part WHERE chord_part.group_id = chord.group_id);
  CREATE TRIGGER chord_part_came AFTER INSERT ON chord_part BEGIN
    UPDATE chord SET part_count = part_count + 1 WHERE group_id = NEW.group_id;
  END;
  CREATE TRIGGER chord_part_went AFTER DELETE ON chord_part BEGIN
    UPDATE chord SET part_count = part_count - 1 WHERE group_id = OLD.group_id;
  END;
  `,
];

/** Brings a new or older file to the schema of this version. Throws ImproperlyConfigured for a newer one, and for a database of something else. */
export function migrate(database: SqliteDatabase, path: string): void {
  const pragma = (name: string): number => Number(database.prepare(`PRAGMA ${name}`).get()?.[0] ?? 0);
  if (pragma('user_version') === STEPS.length && pragma('application_id') === APPLICATION_ID) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = pragma('user_version');
    if (pragma('application_id') !== APPLICATION_ID) assertEmpty(database, path);
    if (version > STEPS.length) {
      throw new ImproperlyConfigured(
        `${path} was written by a newer celeriac (schema ${version}; this version knows ${STEPS.length}): upgrade celeriac here, or use another file`,
      );
    }
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(`PRAGMA user_version = ${STEPS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function assertEmpty(database: SqliteDatabase, path: string): void {
  const table = database.prepare(`SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' LIMIT 1`).get()?.[0];
  if (table === undefined) return;
  throw new ImproperlyConfigured(
    `${path} is an SQLite database of something else (it has a table "${String(table)}"): give sqlite:// a file of its own; kombu's and Celery's files are sqla+sqlite:// and db+sqlite://`,
  );
}
