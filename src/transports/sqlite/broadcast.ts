import { Batch } from '../../clients/sqlite-batch.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import { topicMatcher } from '../virtual/exchanges.ts';
import type { Broadcast, Route } from '../virtual/queue-store.ts';
import { bodyColumn, envelopeText, readColumns } from './columns.ts';

/** Who has not looked for so long has missed it. */
const LIFE_MS = 60_000;
const MAX_ROWS = 200;

type Row = readonly [topic: string, envelope: string, body: string | Uint8Array];
interface Subscription {
  readonly matches: (topic: string) => boolean;
  readonly onMessage: (message: WireMessage, route?: Route) => void;
}

/** Publish and subscribe over a table that is read from where the last look ended, whenever the bell rings (decisions.md 51). */
export class SqliteBroadcast implements Broadcast {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #published: Batch<Row>;
  readonly #subscriptions = new Set<Subscription>();
  #listening: Disposable | undefined;
  #seen = 0;
  #isReading = false;
  #isMore = false;

  constructor(file: SqliteFile, clock: Clock, log: Logger) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#published = new Batch<Row>({ file, when: 'soon', rings: 'broadcast', max: MAX_ROWS, write: (rows) => this.#write(rows) });
  }

  publish(topic: string, message: WireMessage, route?: Route): Promise<void> {
    return this.#published.add([topic, envelopeText(message, route), bodyColumn(message.body)]);
  }

  async subscribe(topic: string, onMessage: Subscription['onMessage']): Promise<AsyncDisposable> {
    if (this.#subscriptions.size === 0) {
      // From here on; what was said before is not for us.
      this.#seen = await this.#file.read(() =>
        Number(this.#file.sql(`SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'broadcast'`).get()?.[0] ?? 0),
      );
      this.#listening ??= this.#file.changes.listen('broadcast', () => void this.#read());
    }
    const subscription = { matches: topicMatcher(topic), onMessage };
    this.#subscriptions.add(subscription);
    return {
      [Symbol.asyncDispose]: () => {
        this.#subscriptions.delete(subscription);
        if (this.#subscriptions.size === 0) this.close();
        return Promise.resolve();
      },
    };
  }

  close(): void {
    this.#subscriptions.clear();
    this.#listening?.[Symbol.dispose]();
    this.#listening = undefined;
  }

  #write(rows: readonly Row[]): void {
    const now = this.#clock.now();
    for (const row of rows) this.#file.sql('INSERT INTO broadcast (sent_at, topic, envelope, body) VALUES (?, ?, ?, ?)').run([now, ...row]);
    // The table is in order of time: the oldest are first.
    const first = this.#file.sql('SELECT id, sent_at FROM broadcast ORDER BY id LIMIT 1').get();
    if (first === undefined || Number(first[1]) >= now - LIFE_MS) return;
    this.#file.sql('DELETE FROM broadcast WHERE id < ? AND sent_at < ?').run([Number(first[0]) + 2 * MAX_ROWS, now - LIFE_MS]);
  }

  async #read(): Promise<void> {
    this.#isMore = true;
    if (this.#isReading || this.#file.isLost) return;
    this.#isReading = true;
    try {
      while (this.#isMore && this.#subscriptions.size > 0) {
        this.#isMore = false;
        if ((await this.#readSome()) === MAX_ROWS) this.#isMore = true;
      }
    } catch (error) {
      if (!this.#file.isLost) this.#log.error('could not read what was broadcast', { error });
    } finally {
      this.#isReading = false;
    }
  }

  async #readSome(): Promise<number> {
    const rows = await this.#file.read(() =>
      this.#file.sql(`SELECT id, topic, envelope, body, sent_at FROM broadcast WHERE id > ? ORDER BY id LIMIT ${MAX_ROWS}`).all([this.#seen]),
    );
    const oldest = this.#clock.now() - LIFE_MS;
    for (const [id, topic, envelope, body, sentAt] of rows) {
      this.#seen = Number(id);
      if (Number(sentAt) >= oldest) this.#deliver(String(topic), readColumns(envelope!, body!));
    }
    return rows.length;
  }

  #deliver(topic: string, { message, route }: ReturnType<typeof readColumns>): void {
    for (const subscription of this.#subscriptions) {
      if (!subscription.matches(topic)) continue;
      try {
        subscription.onMessage(message, route);
      } catch (error) {
        this.#log.error(`a subscriber to "${topic}" failed on a message`, { error });
      }
    }
  }
}
