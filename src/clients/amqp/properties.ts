import type { ByteReader, ByteWriter } from './bytes.ts';
import { AmqpSyntaxError } from './errors.ts';
import { readTable, writeTable, type FieldTable } from './field-table.ts';

/** The properties of a message, in the order in which AMQP writes them. */
export interface BasicProperties {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly headers?: FieldTable | undefined;
  readonly deliveryMode?: number | undefined;
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  /** Milliseconds, as text. */
  readonly expiration?: string | undefined;
  readonly messageId?: string | undefined;
  /** Seconds since the epoch. */
  readonly timestamp?: number | undefined;
  readonly type?: string | undefined;
  readonly userId?: string | undefined;
  readonly appId?: string | undefined;
  readonly clusterId?: string | undefined;
}

/** In the order of the wire, one by one: this is written for every message. The first has the highest bit of the flags. */
export function writeProperties(out: ByteWriter, properties: BasicProperties): void {
  const { contentType, contentEncoding, headers, deliveryMode, priority, correlationId, replyTo, expiration } = properties;
  const { messageId, timestamp, type, userId, appId, clusterId } = properties;
  out.u16(
    (contentType === undefined ? 0 : 0x8000) |
      (contentEncoding === undefined ? 0 : 0x4000) |
      (headers === undefined ? 0 : 0x2000) |
      (deliveryMode === undefined ? 0 : 0x1000) |
      (priority === undefined ? 0 : 0x0800) |
      (correlationId === undefined ? 0 : 0x0400) |
      (replyTo === undefined ? 0 : 0x0200) |
      (expiration === undefined ? 0 : 0x0100) |
      (messageId === undefined ? 0 : 0x0080) |
      (timestamp === undefined ? 0 : 0x0040) |
      (type === undefined ? 0 : 0x0020) |
      (userId === undefined ? 0 : 0x0010) |
      (appId === undefined ? 0 : 0x0008) |
      (clusterId === undefined ? 0 : 0x0004),
  );
  if (contentType !== undefined) out.shortString(contentType);
  if (contentEncoding !== undefined) out.shortString(contentEncoding);
  if (headers !== undefined) writeTable(out, headers);
  if (deliveryMode !== undefined) out.u8(deliveryMode);
  if (priority !== undefined) out.u8(priority);
  if (correlationId !== undefined) out.shortString(correlationId);
  if (replyTo !== undefined) out.shortString(replyTo);
  if (expiration !== undefined) out.shortString(expiration);
  if (messageId !== undefined) out.shortString(messageId);
  if (timestamp !== undefined) out.u64Number(timestamp);
  if (type !== undefined) out.shortString(type);
  if (userId !== undefined) out.shortString(userId);
  if (appId !== undefined) out.shortString(appId);
  if (clusterId !== undefined) out.shortString(clusterId);
}

export function readProperties(input: ByteReader): BasicProperties {
  const flags = input.u16();
  // The last bit says that more flags follow; no broker uses it for these fourteen.
  if ((flags & 1) !== 0) throw new AmqpSyntaxError('a content header has more than one word of property flags');
  // In the order of the wire, and all of one shape: this is read for every message.
  return {
    contentType: (flags & 0x8000) === 0 ? undefined : input.recurringString(),
    contentEncoding: (flags & 0x4000) === 0 ? undefined : input.recurringString(),
    headers: (flags & 0x2000) === 0 ? undefined : readTable(input),
    deliveryMode: (flags & 0x1000) === 0 ? undefined : input.u8(),
    priority: (flags & 0x0800) === 0 ? undefined : input.u8(),
    correlationId: (flags & 0x0400) === 0 ? undefined : input.shortString(),
    replyTo: (flags & 0x0200) === 0 ? undefined : input.shortString(),
    expiration: (flags & 0x0100) === 0 ? undefined : input.shortString(),
    messageId: (flags & 0x0080) === 0 ? undefined : input.shortString(),
    timestamp: (flags & 0x0040) === 0 ? undefined : input.u64Number(),
    type: (flags & 0x0020) === 0 ? undefined : input.recurringString(),
    userId: (flags & 0x0010) === 0 ? undefined : input.recurringString(),
    appId: (flags & 0x0008) === 0 ? undefined : input.recurringString(),
    clusterId: (flags & 0x0004) === 0 ? undefined : input.recurringString(),
  };
}
