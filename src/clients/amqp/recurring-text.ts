/** Texts kept; a power of two. Another text of the same place takes it over, so that nothing grows. */
const PLACES = 1024;
/** Longer ones are ids more often than names. */
const MAX_BYTES = 32;

const kept: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = Array.from({ length: PLACES });

/** The UTF-8 from `start` to `end` as text. Every message names the same headers, queues and types: a comparison costs less than a new string, and objects with the same keys stay of one shape. */
export function recurringText(buffer: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return '';
  if (length > MAX_BYTES) return buffer.toString('utf8', start, end);
  let hash = length;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + buffer[at]!) | 0;
  const place = (hash ^ (hash >>> 12)) & (PLACES - 1);
  const known = kept[place];
  if (known !== undefined && known.bytes.length === length && isSame(known.bytes, buffer, start)) return known.text;
  const text = buffer.toString('utf8', start, end);
  kept[place] = { bytes: Uint8Array.prototype.slice.call(buffer, start, end), text };
  return text;
}

function isSame(bytes: Uint8Array, buffer: Buffer, start: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== buffer[start + i]) return false;
  return true;
}
