import type { Level, Logger } from '../../kernel/logger.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { FromChild } from '../ipc.ts';

/** A child's log: lines go to the parent, so that one process writes them, in one format and one order. */
export function relayLogger(push: (message: FromChild) => void): Logger {
  const at = (level: Lowercase<Level>) => (message: string, data?: object) =>
    push({ kind: 'log', level, message, data: data === undefined ? null : plain(data) });
  return { debug: at('debug'), info: at('info'), warn: at('warning'), error: at('error'), critical: at('critical') };
}

/** Fields as JSON; of errors their stack. A field that cannot travel is shown as text. */
function plain(data: object): JsonObject {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, plainField(value)]));
}

function plainField(value: unknown): string | JsonObject | null {
  if (value instanceof Error) return value.stack ?? String(value);
  try {
    return JSON.parse(JSON.stringify(value ?? null)) as JsonObject;
  } catch {
    return String(value);
  }
}
