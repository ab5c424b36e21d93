import { DecodeError } from '../errors.ts';

/** Decompresses; what is wrong with the bytes, or larger than allowed, becomes a DecodeError. */
export function bounded<T>(name: string, maxBytes: number, decompress: () => T): T {
  try {
    return decompress();
  } catch (error) {
    throw unreadable(name, maxBytes, error);
  }
}

export function unreadable(name: string, maxBytes: number, error: unknown): DecodeError {
  if (error instanceof DecodeError) return error;
  if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(name, maxBytes);
  return new DecodeError(`the body cannot be decompressed with ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

export const tooLarge = (name: string, maxBytes: number): DecodeError =>
  new DecodeError(`the body, compressed with ${name}, would be larger than the ${maxBytes} bytes that are allowed (brokerMaxMessageBytes)`);
