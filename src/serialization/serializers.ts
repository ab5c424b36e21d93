import { EncodeError } from '../errors.ts';
import { decodeJson, encodeJson } from '../protocol/json-text.ts';
import { asText, bytesOf } from './body.ts';
import type { CodecEntry } from './codec-table.ts';
import type { Serializer } from './registry.ts';

export const PICKLE_TYPE = 'application/x-python-serialize';
export const NO_PICKLE =
  'pickle is not supported: reading it would run whatever code its sender likes, and only Python can. Use json, msgpack or yaml on both sides (task_serializer, result_serializer)';

/** The serializers that come with celeriac, by kombu's names. */
export function builtinSerializers(): readonly CodecEntry<Serializer>[] {
  return [
    ready(json),
    { names: ['msgpack'], contentType: 'application/x-msgpack', load: () => import('./msgpack.ts').then(({ loadMsgpack }) => loadMsgpack()) },
    { names: ['yaml'], contentType: 'application/x-yaml', load: () => import('./yaml.ts').then(({ loadYaml }) => loadYaml()) },
    ready(raw),
    ready(text),
  ];
}

const ready = (serializer: Serializer): CodecEntry<Serializer> => ({ names: [serializer.name], contentType: serializer.contentType, load: () => serializer });

export const json: Serializer = {
  name: 'json',
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  encode: encodeJson,
  decode: (body) => decodeJson(asText(body)),
};

/** Bytes as they are. */
const raw: Serializer = {
  name: 'raw',
  contentType: 'application/data',
  contentEncoding: 'binary',
  encode(value) {
    if (value instanceof Uint8Array || typeof value === 'string') return bytesOf(value);
    throw new EncodeError('the serializer raw sends bytes or text only; use json for other values');
  },
  decode: (body) => bytesOf(body),
};

/** What kombu calls a text that was given no serializer. */
const text: Serializer = {
  name: 'text/plain',
  contentType: 'text/plain',
  contentEncoding: 'utf-8',
  encode(value) {
    if (typeof value === 'string') return value;
    throw new EncodeError('the content type text/plain is for text only; use json for other values');
  },
  decode: asText,
};
