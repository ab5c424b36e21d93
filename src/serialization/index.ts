import { ContentDisallowed, DecodeError, ImproperlyConfigured } from '../errors.ts';
import type { Value } from '../protocol/json.ts';
import type { WireMessage } from '../protocol/wire-message.ts';
import { bytesOf, textOf } from './body.ts';
import { CodecTable } from './codec-table.ts';
import { builtinCompressions } from './compressions.ts';
import { andThen } from './maybe-promise.ts';
import type { Compression, CompressionName, EncodedBody, Serializer, SerializerName, SerializerRegistry } from './registry.ts';
import { NO_PICKLE, PICKLE_TYPE, builtinSerializers, json } from './serializers.ts';

/** The serializers and compressors of one app: the built-in ones, and what it registers. Codecs that are optional packages are loaded once, when first needed. */
export function createSerializerRegistry(): SerializerRegistry {
  return new Registry();
}

class Registry implements SerializerRegistry {
  readonly #serializers = new CodecTable<Serializer>('serializer', builtinSerializers());
  readonly #compressions = new CodecTable<Compression>('compression', builtinCompressions());
  /** The content types of each accept list that was asked with: they are few, and live as long as their settings. */
  readonly #accepted = new WeakMap<readonly string[], ReadonlySet<string>>();

  register(serializer: Serializer): void {
    this.#serializers.add({ names: [serializer.name], contentType: serializer.contentType, load: () => serializer });
  }

  registerCompression(compression: Compression): void {
    this.#compressions.add({ names: [compression.name, ...compression.aliases], contentType: compression.contentType, load: () => compression });
  }

  encode(
    value: Value,
    { serializer: name, compression: method }: { readonly serializer: SerializerName; readonly compression?: CompressionName | undefined },
  ): EncodedBody | Promise<EncodedBody> {
    if (name === 'pickle' || name === PICKLE_TYPE) throw new ImproperlyConfigured(NO_PICKLE);
    return andThen(this.#serializers.load(name), (serializer) => {
      const { contentType, contentEncoding } = serializer;
      const body = serializer.encode(value);
      if (method === undefined) return { body: typeof body === 'string' ? { text: body } : body, contentType, contentEncoding };
      return andThen(this.#compressions.load(method), (compression) =>
        andThen(compression.compress(bytesOf(body)), (compressed) => ({
          body: compressed,
          contentType,
          contentEncoding,
          compression: compression.contentType,
        })),
      );
    });
  }

  decode(message: WireMessage, { accept, maxBytes }: { readonly accept: readonly string[]; readonly maxBytes: number }): Value | Promise<Value> {
    // Kombu takes a body without a content type for raw bytes.
    const contentType = message.contentType === '' ? 'application/data' : message.contentType;
    if (!this.accepts(contentType, accept)) throw new ContentDisallowed(disallowed(contentType, accept));
    if (contentType === PICKLE_TYPE) throw new DecodeError(NO_PICKLE);
    const body = this.#decompressed(message, maxBytes);
    return andThen(this.#serializers.load(contentType), (serializer) =>
      andThen(body, (plain) => serializer.decode(serializer.contentEncoding === 'binary' ? bytesOf(plain) : textOf(plain, message.contentEncoding))),
    );
  }

  jsonText(message: WireMessage, accept: readonly string[]): string | undefined {
    const { contentType, headers } = message;
    if (contentType !== json.contentType || this.#serializers.load(contentType) !== json || !this.accepts(contentType, accept)) return undefined;
    const { compression } = headers;
    return typeof compression === 'string' && compression !== '' ? undefined : textOf(message.body, message.contentEncoding);
  }

  accepts(contentType: string, accept: readonly string[]): boolean {
    let types = this.#accepted.get(accept);
    if (types === undefined) {
      types = new Set(accept.map((name) => (name === 'pickle' ? PICKLE_TYPE : (this.#serializers.find(name)?.contentType ?? name))));
      this.#accepted.set(accept, types);
    }
    return types.has(contentType);
  }

  async prepare(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (name === 'pickle' || name === PICKLE_TYPE) throw new ImproperlyConfigured(NO_PICKLE);
      await (this.#serializers.find(name) === undefined ? this.#compressions : this.#serializers).load(name);
    }
  }

  #decompressed(message: WireMessage, maxBytes: number): WireMessage['body'] | Promise<WireMessage['body']> {
    const method = message.headers['compression'];
    if (typeof method !== 'string' || method === '') return message.body;
    if (this.#compressions.find(method) === undefined) {
      throw new DecodeError(`the body is compressed with ${JSON.stringify(method)}; what is known here is ${this.#compressions.names().join(', ')}`);
    }
    return andThen(this.#compressions.load(method), (compression) => compression.decompress(bytesOf(message.body), maxBytes));
  }
}

const disallowed = (contentType: string, accept: readonly string[]): string =>
  `the content type ${contentType} is not accepted here, only ${accept.join(', ') || 'nothing'}; it can be added to acceptContent or resultAcceptContent where its senders are trusted`;
