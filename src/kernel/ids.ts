import { randomFillSync } from 'node:crypto';

/**
 * A new id for a task, group or delivery: a random UUID (version 4), as Celery's. Not `randomUUID()`, whose text is twenty pieces that whoever first looks
 * into it has to join: 0.9 µs for each message, where this is 0.3.
 */
export function newId(): string {
  const { bytes } = random;
  if (random.used === bytes.length) {
    randomFillSync(bytes);
    random.used = 0;
  }
  let at = random.used;
  random.used += ID_BYTES;
  bytes[at + 6] = (bytes[at + 6]! & 0x0f) | 0x40;
  bytes[at + 8] = (bytes[at + 8]! & 0x3f) | 0x80;
  for (const place of PLACES) {
    const byte = bytes[at++]!;
    characters[place] = HEX[byte >> 4]!;
    characters[place + 1] = HEX[byte & 15]!;
  }
  return String.fromCharCode(...characters);
}

const ID_BYTES = 16;
const random = { bytes: new Uint8Array(256 * ID_BYTES), used: 256 * ID_BYTES };
const codesOf = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
const HEX: readonly number[] = codesOf('0123456789abcdef');
/** Where in the text each byte stands. */
const PLACES: readonly number[] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const characters = codesOf('00000000-0000-0000-0000-000000000000');
