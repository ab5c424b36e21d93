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

/** Name, flag and kind of each property; the first has the highest bit. */
const PROPERTIES = [
  ['contentType', 0x8000, 'text'],
  ['contentEncoding', 0x4000, 'text'],
  ['headers', 0x2000, 'table'],
  ['deliveryMode', 0x1000, 'octet'],
  ['priority', 0x0800, 'octet'],
  ['correlationId', 0x0400, 'text'],
  ['replyTo', 0x0200, 'text'],
  ['expiration', 0x0100, 'text'],
  ['messageId', 0x0080, 'text'],
  ['timestamp', 0x0040, 'time'],
  ['type', 0x0020, 'text'],
  ['userId', 0x0010, 'text'],
  ['appId', 0x0008, 'text'],
  ['clusterId', 0x0004, 'text'],
] as const;

export function writeProperties(out: ByteWriter, properties: BasicProperties): void {
  let flags = 0;
  for (const [name, flag] of PROPERTIES) if (properties[name] !== undefined) flags |= flag;
  out.u16(flags);
  for (const [name, , kind] of PROPERTIES) {
    const value = properties[name];
    if (value === undefined) continue;
    if (kind === 'text') out.shortString(value as string);
    else if (kind === 'table') writeTable(out, value as FieldTable);
    else if (kind === 'octet') out.u8(value as number);
    else out.u64Number(value as number);
  }
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
