import type { SqliteRow, SqliteValue } from '../../clients/sqlite-driver.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { MessageProperties, WireBody, WireMessage } from '../../protocol/wire-message.ts';
import { foreignEnvelope } from '../virtual/envelope.ts';
import type { Route } from '../virtual/queue-store.ts';

/** What the column `envelope` holds: the labels of a message as JSON. The body has a column of its own, as text or bytes. */
interface Envelope {
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly headers: JsonObject;
  readonly properties: MessageProperties;
  readonly route?: Route;
}

export interface ReadColumns {
  readonly message: WireMessage;
  readonly route: Route | undefined;
}

export function envelopeText(message: WireMessage, route: Route | undefined): string {
  return (
    `{"contentType":${JSON.stringify(message.contentType)},"contentEncoding":${JSON.stringify(message.contentEncoding)}` +
    `,"headers":${message.headersText ?? JSON.stringify(message.headers)},"properties":${JSON.stringify(message.properties)}` +
    `${route === undefined ? '' : `,"route":${JSON.stringify(route)}`}}`
  );
}

/** Text stays text; one with NUL characters would come back cut, so it goes as bytes. */
export function bodyColumn(body: WireBody): string | Uint8Array {
  if (body instanceof Uint8Array) return body;
  if ('base64' in body) return Buffer.from(body.base64, 'base64');
  return body.text.includes('\0') ? Buffer.from(body.text) : body.text;
}

/** A row whose envelope cannot be read, or whose body was left out for its size (null), becomes a foreign message. */
export function readColumns(envelope: SqliteRow[number], body: SqliteRow[number]): ReadColumns {
  if (body === null) return { message: foreignEnvelope('').message, route: undefined };
  try {
    const { route, ...labels } = JSON.parse(String(envelope)) as Envelope;
    return { message: { ...labels, body: bodyOf(body) }, route };
  } catch {
    return { message: foreignEnvelope(String(envelope)).message, route: undefined };
  }
}

function bodyOf(column: SqliteValue | ArrayBuffer): WireBody {
  if (column instanceof ArrayBuffer) return new Uint8Array(column);
  return column instanceof Uint8Array ? column : { text: String(column) };
}

/** The greater number is the more urgent, as on AMQP. */
export const PRIORITY_LEVELS = 10;
export const priorityOf = (message: WireMessage): number => Math.min(PRIORITY_LEVELS - 1, Math.max(0, Math.trunc(message.properties.priority ?? 0)));
