import { DecodeError } from '../errors.ts';
import type { Value } from '../protocol/json.ts';
import { MAX_DEPTH, TOP, inside, plainObject, unsendable, type Place } from '../protocol/place.ts';
import { typedValue } from '../protocol/typed-values.ts';
import { bytesOf } from './body.ts';
import { optionalPackage } from './codec-table.ts';
import type { Serializer } from './registry.ts';

/**
 * Msgpack as kombu speaks it: texts are str, bytes are bin, no extension types. It has no form for dates, uuids, decimals and integers of more
 * than 64 bits; Python refuses these as we do.
 */
export async function loadMsgpack(): Promise<Serializer> {
  const { encode, decode } = await optionalPackage('@msgpack/msgpack', 'the serializer msgpack', () => import('@msgpack/msgpack'));
  return {
    name: 'msgpack',
    contentType: 'application/x-msgpack',
    contentEncoding: 'binary',
    encode: (value) => encode(sendable(value, TOP), { useBigInt64: true, maxDepth: MAX_DEPTH + 2 }),
    decode(body) {
      const bytes = bytesOf(body);
      try {
        // A list or map has at least one byte a member: longer ones are a lie.
        return read(decode(bytes, { useBigInt64: true, maxArrayLength: bytes.length, maxMapLength: bytes.length }), 0);
      } catch (error) {
        if (error instanceof DecodeError) throw error;
        throw new DecodeError(`not msgpack: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    },
  };
}

/** The value as lists, plain maps and what msgpack has a form for. */
function sendable(value: unknown, place: Place): unknown {
  if (typeof value === 'bigint') {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) throw unsendable('an integer of more than 64 bits', place);
    return value;
  }
  // The library writes a number of more than 32 bits as a float, but a bigint as the integer that it is.
  if (typeof value === 'number') return Number.isSafeInteger(value) && Math.abs(value) > 0x7fffffff ? BigInt(value) : value;
  if (typeof value === 'function' || typeof value === 'symbol') throw unsendable(`a ${typeof value}`, place);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item, index) => sendable(item, inside(place, index)));
  if (typedValue(value) !== undefined) throw unsendable(`a ${value.constructor.name} (msgpack has no form for it; json has)`, place);
  const plain = plainObject(value, place);
  if ('json' in plain) return sendable(plain.json, { ...place, depth: inside(place, '').depth });
  return Object.fromEntries(plain.members.map(([key, member]) => [key, sendable(member, inside(place, key))]));
}

function read(value: unknown, depth: number): Value {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value as Value;
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (depth >= MAX_DEPTH) throw new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return value.map((item) => read(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new DecodeError('an extension type, which kombu never writes');
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, read(member, depth + 1)]));
}
