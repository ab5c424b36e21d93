import type { Value } from '../protocol/json.ts';
import type { WireBody, WireMessage } from '../protocol/wire-message.ts';

export type SerializerName = 'json' | 'msgpack' | 'yaml' | 'raw' | 'auth' | (string & {});
export type CompressionName = 'gzip' | 'zlib' | 'bzip2' | 'brotli' | 'lzma' | 'xz' | 'zstd' | (string & {});

/** Synchronous: a serializer sits on the hot path. Compressors may be asynchronous. */
export interface Serializer {
  readonly name: string;
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Throws EncodeError naming the path in the value. */
  encode(value: Value): Uint8Array | string;
  decode(body: Uint8Array | string): Value;
}

/** A body ready to be sent, and what its envelope must say. */
export interface EncodedBody {
  readonly body: WireBody;
  readonly contentType: string;
  readonly contentEncoding: string;
  /** The `compression` header, where one was used. */
  readonly compression?: string | undefined;
}

/** The serializers and compressors of one app. Codecs that are optional packages are loaded when first needed: then the answer is a promise, else it is there at once. */
export interface SerializerRegistry {
  register(serializer: Serializer): void;
  registerCompression(compression: Compression): void;
  encode(
    value: Value,
    options: { readonly serializer: SerializerName; readonly compression?: CompressionName | undefined },
  ): EncodedBody | Promise<EncodedBody>;
  /** Throws ContentDisallowed when the content type is not in `accept` (names or content types), DecodeError when the body cannot be read or would grow beyond `maxBytes`. */
  decode(message: WireMessage, options: { readonly accept: readonly string[]; readonly maxBytes: number }): Value | Promise<Value>;
  /** The body as text where `decode` would read it as plain JSON, with no codec of anybody's own between; else undefined. Throws DecodeError when it is no text. */
  jsonText(message: WireMessage, accept: readonly string[]): string | undefined;
  /** Whether a message of this content type may be decoded at all; cheap, without touching the body. */
  accepts(contentType: string, accept: readonly string[]): boolean;
  /** Loads the named codecs, so that encode and decode are synchronous afterwards. ImproperlyConfigured names an unknown one, or the package to install. */
  prepare(names: readonly string[]): Promise<void>;
}

export interface Compression {
  readonly name: CompressionName;
  /** Further names. */
  readonly aliases: readonly string[];
  /** Of the `compression` header. */
  readonly contentType: string;
  compress(body: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Throws DecodeError when the result would be larger than `maxBytes`. */
  decompress(body: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array>;
}
