import type { AmqpMessage } from '../../clients/amqp/channel.ts';
import type { FieldTable } from '../../clients/amqp/field-table.ts';
import type { BasicProperties } from '../../clients/amqp/properties.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { MessageProperties, WireMessage } from '../../protocol/wire-message.ts';

/** Properties that users name as they like: camelCase, snake_case or AMQP's own. What AMQP has no property for is left out. */
const EXTRA: Readonly<Record<string, keyof BasicProperties>> = {
  messageId: 'messageId',
  message_id: 'messageId',
  timestamp: 'timestamp',
  type: 'type',
  userId: 'userId',
  user_id: 'userId',
  appId: 'appId',
  app_id: 'appId',
  clusterId: 'clusterId',
  cluster_id: 'clusterId',
};

/** The properties to publish with. Delivery mode and priority are always written, as kombu does. */
export function toProperties({ properties, headers, contentType, contentEncoding }: WireMessage): BasicProperties {
  const { correlationId, replyTo, priority = 0, expirationMs, persistent = true, extra } = properties;
  const own: BasicProperties = {
    contentType,
    contentEncoding,
    headers: headers as FieldTable,
    deliveryMode: persistent ? 2 : 1,
    priority: Math.max(0, Math.min(255, priority)),
    correlationId,
    replyTo,
    expiration: expirationMs === undefined ? undefined : String(Math.max(0, Math.round(expirationMs))),
  };
  return extra === undefined ? own : { ...own, ...known(extra) };
}

function known(extra: JsonObject): BasicProperties {
  return Object.fromEntries(
    Object.entries(extra).flatMap(([name, value]) => (Object.hasOwn(EXTRA, name) && value !== undefined ? [[EXTRA[name]!, value]] : [])),
  );
}

/** A message as it came. One that was too large to be kept comes as a foreign one, without its body. */
export function toWireMessage({ properties, body }: AmqpMessage): WireMessage {
  return {
    body: typeof body === 'string' ? { text: body } : (body ?? new Uint8Array()),
    contentType: body === undefined ? 'application/octet-stream' : (properties.contentType ?? 'application/octet-stream'),
    contentEncoding: properties.contentEncoding ?? 'utf-8',
    headers: (properties.headers ?? {}) as JsonObject,
    properties: messageProperties(properties),
  };
}

function messageProperties(properties: BasicProperties): MessageProperties {
  const { correlationId, replyTo, priority, expiration, deliveryMode } = properties;
  const made: { -readonly [P in keyof MessageProperties]: MessageProperties[P] } = {};
  if (correlationId !== undefined) made.correlationId = correlationId;
  if (replyTo !== undefined) made.replyTo = replyTo;
  if (priority !== undefined) made.priority = priority;
  if (expiration !== undefined && Number.isFinite(Number(expiration))) made.expirationMs = Number(expiration);
  if (deliveryMode !== undefined) made.persistent = deliveryMode === 2;
  const extra = extraOf(properties);
  if (extra !== undefined) made.extra = extra;
  return made;
}

/** Celery's own messages have none of them: looked at before anything is made. */
function extraOf({ messageId, timestamp, type, userId, appId, clusterId }: BasicProperties): JsonObject | undefined {
  if ((messageId ?? timestamp ?? type ?? userId ?? appId ?? clusterId) === undefined) return undefined;
  const given = Object.entries({ messageId, timestamp, type, userId, appId, clusterId }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as JsonObject;
}
