import { arraySlices, objectSlices, withMember } from '../../protocol/json-slice.ts';
import { readEnvelope } from '../virtual/envelope.ts';

/** What `unacked` holds: `[envelope, exchange, routing key]`, ours with exchange "" so that whoever restores it finds just its queue. */
export interface HeldRecord {
  readonly envelope: string;
  readonly exchange: string;
  readonly routingKey: string;
}

/** What follows the envelope in a record of ours. */
export const recordSuffix = (queue: string): string => `,"",${JSON.stringify(queue)}]`;

/** A record of ours, read from its end: what stands before may be anything, and is kept to the byte. */
export function readOwnRecord(record: Buffer): { readonly queue: string; readonly envelope: Buffer } | undefined {
  const end = /,"",("(?:[^"\\]|\\.)*")\]$/.exec(record.toString());
  if (end === null) return undefined;
  return { queue: JSON.parse(end[1]!) as string, envelope: record.subarray(1, record.length - Buffer.byteLength(end[0])) };
}

/** Anybody's record. Undefined when it is none. */
export function readRecord(text: string): HeldRecord | undefined {
  try {
    const [envelope, exchange, routingKey] = arraySlices(text).map(({ start, end }) => text.slice(start, end));
    if (envelope === undefined || exchange === undefined || routingKey === undefined) return undefined;
    return { envelope, exchange: String(JSON.parse(exchange) ?? ''), routingKey: String(JSON.parse(routingKey) ?? '') };
  } catch {
    return undefined;
  }
}

/** The envelope as kombu marks it when it comes back, in both places; what is no envelope stays as it is. Done on the text: what we cannot read exactly must not be rewritten. */
export function markRedelivered(envelope: string): string {
  try {
    const properties = objectSlices(envelope).get('properties');
    const info = properties && objectSlices(envelope, properties.start).get('delivery_info');
    const marked = info === undefined ? envelope : withMember(envelope, info.start, 'redelivered', 'true');
    const headers = objectSlices(marked).get('headers');
    return headers === undefined ? marked : withMember(marked, headers.start, 'redelivered', 'true');
  } catch {
    return envelope;
  }
}

export const priorityOf = (envelope: string): number | undefined => readEnvelope(envelope).message.properties.priority;
