import { DecodeError } from '../errors.ts';
import { tooLarge } from './decompression-errors.ts';

const FRAME = 0xfd2fb528;
const MAX_BLOCK_BYTES = 128 * 1024;

/**
 * Walks the frames of a zstd body (RFC 8878) without decompressing them, and throws DecodeError when they could become larger than `maxBytes`:
 * a block says how large it is, or is compressed and then 128 KiB at most. The last block of a frame may be shorter than that, so a frame's word about its size is taken
 * where it is less by no more than one block.
 */
export function zstdBound(body: Uint8Array, maxBytes: number): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let total = 0;
  for (let at = 0; at < body.length;) {
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === 0x184d2a5) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== FRAME) throw new DecodeError('the body is not zstd');
    const frame = measured(view, at + 4);
    total += frame.bytes;
    if (total > maxBytes) throw tooLarge('zstd', maxBytes);
    at = frame.end;
  }
}

function measured(view: DataView, headerAt: number): { readonly bytes: number; readonly end: number } {
  const descriptor = view.getUint8(headerAt);
  const isSingle = (descriptor & 0x20) !== 0;
  const contentAt = headerAt + 1 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const declared = contentSize(view, contentAt, sizeBytes);
  let at = contentAt + sizeBytes;
  let most = 0;
  for (let isLast = false; !isLast;) {
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    isLast = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    most += type === 2 ? MAX_BLOCK_BYTES : size;
    at += 3 + (type === 1 ? 1 : size);
  }
  const bytes = declared !== undefined && declared <= most && most - declared < MAX_BLOCK_BYTES ? declared : most;
  return { bytes: declared === undefined ? most : Math.max(bytes, declared), end: at + ((descriptor & 4) !== 0 ? 4 : 0) };
}

function contentSize(view: DataView, at: number, bytes: number): number | undefined {
  switch (bytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    case 8:
      return Number(view.getBigUint64(at, true));
    default:
      return undefined;
  }
}
