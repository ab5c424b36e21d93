import { Buffer } from 'node:buffer';
import type { Json, JsonObject } from '../../protocol/json.ts';
import type { MessageProperties, WireBody, WireMessage } from '../../protocol/wire-message.ts';

/** What kombu wants to know of a message besides itself: readers restore by these three. */
export interface EnvelopeLabels {
  readonly exchange: string;
  readonly routingKey: string;
  /** Needs no escaping: it is the writer's own. */
  readonly deliveryTag: string;
}

export interface ReadEnvelope {
  readonly message: WireMessage;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
}

/** Content type of what cannot be read; nobody accepts it, so the one rule for foreign messages takes it. */
export const FOREIGN_CONTENT_TYPE = 'application/octet-stream';

/**
 * kombu's JSON envelope (wire.md 1.2). Concatenated: the parts that a template made go in as they are, and the few that all messages to a queue
 * share are made once, for each piece is copied twice on its way to the socket.
 */
export function writeEnvelope(message: WireMessage, labels: EnvelopeLabels): string {
  const { correlationId, replyTo, expirationMs, persistent, priority, extra } = message.properties;
  return (
    `{"body":"${base64Of(message.body)}${contentText(message.contentEncoding, message.contentType)}${message.headersText ?? JSON.stringify(message.headers)}` +
    (correlationId === undefined
      ? PROPERTIES
      : SAFE.test(correlationId)
        ? `${CORRELATED}"${correlationId}",`
        : `${CORRELATED}${JSON.stringify(correlationId)},`) +
    (replyTo === undefined ? '' : `"reply_to":${quoted(replyTo)},`) +
    (expirationMs === undefined ? '' : `"expiration":"${Math.trunc(expirationMs)}",`) +
    (extra === undefined ? '' : extraText(extra)) +
    `${deliveryText(persistent === false ? 1 : 2, priority ?? 0, labels)}${labels.deliveryTag}"}}`
  );
}

const PROPERTIES = ',"properties":{';
const CORRELATED = `${PROPERTIES}"correlation_id":`;

/** From the body's end to the headers. */
function contentText(encoding: string, type: string): string {
  if (content.encoding !== encoding || content.type !== type) {
    content.text = `","content-encoding":${quoted(encoding)},"content-type":${quoted(type)},"headers":`;
    Object.assign(content, { encoding, type });
  }
  return content.text;
}

/** From the properties that differ to the delivery tag. */
function deliveryText(mode: 1 | 2, priority: number, { exchange, routingKey }: EnvelopeLabels): string {
  if (delivery.routingKey !== routingKey || delivery.exchange !== exchange || delivery.priority !== priority || delivery.mode !== mode) {
    const info = `{"exchange":${quoted(exchange)},"routing_key":${quoted(routingKey)}}`;
    delivery.text = `"delivery_mode":${mode},"delivery_info":${info},"priority":${priority},"body_encoding":"base64","delivery_tag":"`;
    Object.assign(delivery, { mode, priority, exchange, routingKey });
  }
  return delivery.text;
}

/** What was written last: the next message mostly says the same. */
const content = { encoding: '', type: '', text: '' };
const delivery = { mode: 0, priority: 0, exchange: '', routingKey: '', text: '' };

/** Reads any envelope that kombu would, and more; what is none becomes a foreign message that keeps the text. Never throws. */
export function readEnvelope(text: string): ReadEnvelope {
  try {
    return fromEnvelope(parsed(text)) ?? foreignEnvelope(text);
  } catch {
    return foreignEnvelope(text);
  }
}

/** Where a body in base64 stands first, as in kombu's envelopes and ours, only the rest is parsed: of a long message in half the time. */
function parsed(text: string): Json {
  const start = text.startsWith('{"body":"') ? 9 : text.startsWith('{"body": "') ? 10 : 0;
  const body = text.slice(start, text.indexOf('"', start));
  // With a backslash it may go on behind that quote.
  if (start > 0 && !body.includes('\\')) {
    const envelope = JSON.parse(`{"body":""${text.slice(start + body.length + 1)}`) as {
      readonly body: Json;
      readonly properties?: { readonly body_encoding?: Json };
    };
    if (envelope.body === '' && envelope.properties?.body_encoding === 'base64') return { ...envelope, body };
  }
  return JSON.parse(text) as Json;
}

/** The same of an envelope that was parsed already (element 0 of a record in `unacked`); undefined when it is none. */
export function fromEnvelope(envelope: Json | undefined): ReadEnvelope | undefined {
  if (!isObject(envelope)) return undefined;
  const properties = isObject(envelope['properties']) ? envelope['properties'] : {};
  const body = bodyOf(envelope['body'], properties['body_encoding']);
  if (body === undefined) return undefined;
  const headers = isObject(envelope['headers']) ? envelope['headers'] : {};
  const info = isObject(properties['delivery_info']) ? properties['delivery_info'] : {};
  return {
    message: {
      body,
      contentType: textOr(envelope['content-type'], FOREIGN_CONTENT_TYPE),
      contentEncoding: textOr(envelope['content-encoding'], 'utf-8'),
      headers,
      properties: readProperties(properties, info),
    },
    exchange: textOr(info['exchange'], ''),
    routingKey: textOr(info['routing_key'], ''),
    redelivered: envelope['redelivered'] === true || headers['redelivered'] === true || info['redelivered'] === true,
  };
}

/** What stands for a message that cannot be read, or is too large to be handed out: then `text` may be a piece of it. */
export function foreignEnvelope(text: string): ReadEnvelope {
  return {
    message: { body: { text }, contentType: FOREIGN_CONTENT_TYPE, contentEncoding: 'binary', headers: {}, properties: {} },
    exchange: '',
    routingKey: '',
    redelivered: false,
  };
}

/** The body in kombu's base64, converted only if it is not that already. */
export function base64Of(body: WireBody): string {
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64');
  if ('base64' in body) return body.base64;
  const { text } = body;
  if (text.length * 3 > scratch.length) return Buffer.from(text, 'utf8').toString('base64');
  return scratch.toString('base64', 0, scratch.write(text, 0, 'utf8'));
}

/** For texts on their way to base64: most are short, and a buffer for each costs more than its content. */
const scratch = Buffer.allocUnsafeSlow(16_384);

/** The body's size in bytes, without converting it. */
export function bodyBytes(body: WireBody): number {
  if (body instanceof Uint8Array) return body.byteLength;
  return 'base64' in body ? Math.floor((body.base64.length * 3) / 4) : Buffer.byteLength(body.text);
}

const SAFE = /^[ !#-[\]-~]*$/;
/** Most texts need no escaping, and are then only quoted. */
const quoted = (text: string): string => (SAFE.test(text) ? `"${text}"` : JSON.stringify(text));

const extraText = (extra: JsonObject): string =>
  Object.entries(extra)
    .map(([name, value]) => (value === undefined ? '' : `${JSON.stringify(name)}:${JSON.stringify(value)},`))
    .join('');

/** Without `body_encoding` the string is the body itself, and so it is with 'utf-8'. */
function bodyOf(body: Json | undefined, encoding: Json | undefined): WireBody | undefined {
  if (typeof body !== 'string') return undefined;
  if (encoding === 'base64') return { base64: body };
  return encoding === undefined || encoding === null || encoding === 'utf-8' ? { text: body } : undefined;
}

function readProperties(from: JsonObject, info: JsonObject): MessageProperties {
  const read: { -readonly [K in keyof MessageProperties]: MessageProperties[K] } = {};
  let extra: Record<string, Json | undefined> | undefined;
  for (const name in from) {
    const value = from[name];
    switch (name) {
      case 'correlation_id':
        if (typeof value === 'string') read.correlationId = value;
        break;
      case 'reply_to':
        if (typeof value === 'string') read.replyTo = value;
        break;
      case 'priority':
        if (typeof value === 'number') read.priority = value;
        break;
      case 'delivery_mode':
        read.persistent = value !== 1;
        break;
      case 'expiration':
        if (value !== null && value !== '' && Number.isFinite(Number(value))) read.expirationMs = Number(value);
        break;
      case 'delivery_info':
      case 'delivery_tag':
      case 'body_encoding':
        break;
      default:
        (extra ??= {})[name] = value;
    }
  }
  // Older kombu wrote it here.
  if (read.priority === undefined && typeof info['priority'] === 'number') read.priority = info['priority'];
  if (extra !== undefined) read.extra = extra;
  return read;
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOr = (value: Json | undefined, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
