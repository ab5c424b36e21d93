import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Binding } from '../transport.ts';
import type { QueueStore } from '../virtual/queue-store.ts';

/** Bindings are read for each publish, but only once for those of one tick. */
export function sqliteBindings(file: SqliteFile): QueueStore['bindings'] {
  const known = new Map<string, Promise<readonly Binding[]>>();
  // The count of changes when they were read; they are forgotten when the loop turns, too.
  let readAt = -1;
  const change = (sql: string, binding: Binding): Promise<void> =>
    file.write({
      when: 'soon',
      rings: 'bindings',
      rows: () => 1,
      isSingle: () => true,
      run: () => void file.sql(sql).run([binding.exchange, binding.queue, binding.routingKey, JSON.stringify(binding.arguments)]),
    });
  return {
    add: (binding) => change('INSERT OR IGNORE INTO binding (exchange, queue, routing_key, arguments) VALUES (?, ?, ?, ?)', binding),
    remove: (binding) => change('DELETE FROM binding WHERE exchange = ? AND queue = ? AND routing_key = ? AND arguments = ?', binding),
    of(exchange) {
      if (readAt !== file.changes.of('bindings')) known.clear();
      readAt = file.changes.of('bindings');
      let bindings = known.get(exchange);
      if (bindings !== undefined) return bindings;
      if (known.size === 0) setImmediate(() => known.clear());
      bindings = file.read(() => readBindings(file, exchange));
      known.set(exchange, bindings);
      return bindings;
    },
  };
}

function readBindings(file: SqliteFile, exchange: string): readonly Binding[] {
  const rows = file.sql('SELECT queue, routing_key, arguments FROM binding WHERE exchange = ?').all([exchange]);
  return rows.map(([queue, routingKey, text]) => ({
    exchange,
    queue: String(queue),
    routingKey: String(routingKey),
    arguments: JSON.parse(String(text)) as JsonObject,
  }));
}
