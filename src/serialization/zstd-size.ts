/** Where the descriptor of a frame stands: after its magic number. */
const DESCRIPTOR = 4;

/**
 * A zstd frame (RFC 8878) with the size of its content in its header, where there is none yet: kombu before 5.7 refuses to decompress what does not say how much it will be.
 */
export function withContentSize(frame: Uint8Array, size: number): Uint8Array {
  const descriptor = frame[DESCRIPTOR] ?? 0xff;
  // With a size, or without a window (then the size stands in its place), or of more than four bytes: nothing to be done.
  if (descriptor >> 6 !== 0 || (descriptor & 0x20) !== 0 || size > 0xffff_ffff) return frame;
  const header = DESCRIPTOR + 2 + [0, 1, 2, 4][descriptor & 3]!;
  const sized = new Uint8Array(frame.length + 4);
  sized.set(frame.subarray(0, header));
  sized[DESCRIPTOR] = descriptor | 0x80;
  new DataView(sized.buffer).setUint32(header, size, true);
  sized.set(frame.subarray(header), header + 4);
  return sized;
}
