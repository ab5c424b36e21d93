import { DecodeError } from '../errors.ts';
import { tooLarge } from './decompression-errors.ts';

const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a5;
const MAX_BLOCK_BYTES = 128 * 1024;
/** Kinds of blocks; a block of any other kind says its size itself. */
const REPEATED = 1;
const COMPRESSED = 2;

/**
 * Walks the frames of a zstd body (RFC 8878) without decompressing them, and throws DecodeError when they could become larger than `maxBytes`:
 * a block says how large it will be, or is compressed and then 128 KiB at most. The last one may well be smaller, so one block more is let pass:
 * the caller looks at the true size.
 */
export function zstdBound(body: Uint8Array, maxBytes: number): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let total = 0;
  for (let at = 0; at < body.length;) {
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === SKIPPABLE) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== FRAME) throw new DecodeError('the body is not zstd');
    const descriptor = view.getUint8(at + 4);
    at += 4 + headerBytes(descriptor);
    for (let isLast = false; !isLast;) {
      const block = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
      isLast = (block & 1) === 1;
      const [type, size] = [(block >> 1) & 3, block >> 3];
      total += type === COMPRESSED ? MAX_BLOCK_BYTES : size;
      if (total > maxBytes + MAX_BLOCK_BYTES) throw tooLarge('zstd', maxBytes);
      at += 3 + (type === REPEATED ? 1 : size);
    }
    if ((descriptor & 4) !== 0) at += 4;
  }
}

/** Descriptor, window, dictionary and content size of a frame. */
function headerBytes(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0;
  return 1 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
}
