import { DecodeError, ImproperlyConfigured } from '../errors.ts';
import { encodeJson } from '../protocol/json-text.ts';
import type { Value } from '../protocol/json.ts';
import { encodeMeta, metaValue, readMeta, type ResultMeta } from '../protocol/result-meta.ts';
import type { CompressionName, EncodedBody, SerializerName, SerializerRegistry } from './registry.ts';
import { bytesOf } from './body.ts';

/** A meta as it is stored, and back. `encode` splices `result.json` in as it is where the serializer is JSON. */
export interface MetaCodec {
  /** False where `encode` gives bytes or another format: a Lua guard cannot read it then (decisions.md 31). */
  readonly isPlainJson: boolean;
  /** What `encode` writes; for those who send it as a message. */
  readonly contentType: string;
  readonly contentEncoding: string;
  encode(meta: ResultMeta): string | Uint8Array;
  /** Throws DecodeError or ContentDisallowed. Reads compressed metas too (celery-5.7.md 6.3). */
  decode(stored: string | Uint8Array, type?: { readonly contentType: string; readonly contentEncoding: string }): ResultMeta;
  /** The same for what else Celery reads beside metas, and expects in the same form: saved groups, parts of chords. */
  encodeValue(value: Value): string | Uint8Array;
  decodeValue(stored: string | Uint8Array): Value;
}

export interface MetaCodecOptions {
  readonly serializer: SerializerName;
  /** Celery before 5.7 cannot read compressed results. */
  readonly compression?: CompressionName | undefined;
  /** `resultAcceptContent`. */
  readonly accept: readonly string[];
  readonly maxBytes: number;
}

/** What stands before a compressed meta, its content type and a zero following (Celery 5.7). */
const COMPRESSED = Buffer.from('\0celery-compressed\0', 'latin1');

/**
 * Loads what it takes to write and read metas, so that both are synchronous from then on. Throws ImproperlyConfigured for unknown names, for packages that are missing, and for
 * compressions that have no synchronous form (lzma, bzip2, and zstd before Node 22.15).
 */
export async function createMetaCodec(registry: SerializerRegistry, options: MetaCodecOptions): Promise<MetaCodec> {
  const { serializer, compression, accept, maxBytes } = options;
  await registry.prepare(compression === undefined ? [serializer] : [serializer, compression]);
  const envelope = synchronous(registry.encode({}, { serializer, compression }), () => {
    throw new ImproperlyConfigured(
      `resultCompression ${JSON.stringify(compression)} cannot be used for results here, since it has no synchronous form; zlib and brotli have`,
    );
  });
  const isPlainJson = envelope.contentType === 'application/json' && compression === undefined;

  const encodeValue = (value: Value): string | Uint8Array => {
    if (isPlainJson) return encodeJson(value);
    const { body, compression: method } = registry.encode(value, { serializer, compression }) as EncodedBody;
    return method === undefined ? storedBody(body) : Buffer.concat([COMPRESSED, Buffer.from(`${method}\0`), bytesOf(body)]);
  };
  const decodeValue = (stored: string | Uint8Array, type: { readonly contentType: string; readonly contentEncoding: string } = envelope): Value => {
    const { body, method } = opened(stored);
    const message = {
      body: typeof body === 'string' ? { text: body } : body,
      contentType: type.contentType,
      contentEncoding: type.contentEncoding,
      headers: method === undefined ? {} : { compression: method },
      properties: {},
    };
    return synchronous(registry.decode(message, { accept, maxBytes }), (late) => {
      late.catch(() => undefined);
      throw new DecodeError(`a result compressed with ${method} cannot be read at once; zlib and brotli can`);
    });
  };
  return {
    isPlainJson,
    contentType: envelope.contentType,
    contentEncoding: envelope.contentEncoding,
    encode: (meta) => (isPlainJson ? encodeMeta(meta) : encodeValue(metaValue(meta))),
    decode: (stored, type) => readMeta(decodeValue(stored, type)),
    encodeValue,
    decodeValue: (stored) => decodeValue(stored),
  };
}

/** What is there at once; `otherwise` throws. */
function synchronous<T>(value: T | Promise<T>, otherwise: (late: Promise<T>) => never): T {
  return value instanceof Promise ? otherwise(value) : value;
}

const storedBody = (body: EncodedBody['body']): string | Uint8Array => (!(body instanceof Uint8Array) && 'text' in body ? body.text : bytesOf(body));

/** The body of what was stored, and how it is compressed. */
function opened(stored: string | Uint8Array): { readonly body: string | Uint8Array; readonly method?: string } {
  if (typeof stored === 'string') {
    if (stored.startsWith('\0celery-compressed\0')) throw new DecodeError('a compressed result must be read from its store as bytes, not as text');
    return { body: stored };
  }
  if (COMPRESSED.compare(stored, 0, COMPRESSED.length) !== 0) return { body: stored };
  const end = stored.indexOf(0, COMPRESSED.length);
  if (end === -1) throw new DecodeError('a compressed result without its content type');
  return { body: stored.subarray(end + 1), method: Buffer.from(stored.subarray(COMPRESSED.length, end)).toString('latin1') };
}
