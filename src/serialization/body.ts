import { DecodeError } from '../errors.ts';
import type { WireBody } from '../protocol/wire-message.ts';

/** A body as bytes. Throws DecodeError when it is base64 and cannot be read. */
export function bytesOf(body: WireBody | string): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  if (body instanceof Uint8Array) return body;
  if ('text' in body) return Buffer.from(body.text, 'utf8');
  return Buffer.from(binaryOf(body.base64), 'latin1');
}

/** A body as text. Throws DecodeError when its bytes are not of that encoding: kombu's `utf-8` unless the envelope names another. */
export function textOf(body: WireBody, contentEncoding: string): string {
  if (!(body instanceof Uint8Array) && 'text' in body) return body.text;
  const isUtf8 = contentEncoding === 'utf-8' || contentEncoding === 'binary' || contentEncoding === '';
  if (body instanceof Uint8Array) return decoded(body, isUtf8 ? 'utf-8' : contentEncoding);
  // Most bodies are ASCII, which atob gives as it is, three times as fast as a decoder. Then each character is a byte, and that is found out several times
  // faster by counting than by a regular expression: for a chain's body this was a twentieth of a step.
  const binary = binaryOf(body.base64);
  if (isUtf8 && Buffer.byteLength(binary) === binary.length) return binary;
  return decoded(Buffer.from(binary, 'latin1'), isUtf8 ? 'utf-8' : contentEncoding);
}

/** What a serializer of texts is given, as text. */
export const asText = (body: Uint8Array | string): string => (typeof body === 'string' ? body : decoded(body, 'utf-8'));

/** Base64 as one character a byte. */
function binaryOf(base64: string): string {
  try {
    return atob(base64);
  } catch (error) {
    throw new DecodeError('the body is not base64', { cause: error });
  }
}

function decoded(bytes: Uint8Array, encoding: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new DecodeError(`the body is not ${encoding} text`, { cause: error });
  }
}
