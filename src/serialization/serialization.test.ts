import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ContentDisallowed, DecodeError, EncodeError, ImproperlyConfigured } from '../errors.ts';
import { Decimal, type Value } from '../protocol/json.ts';
import type { WireMessage } from '../protocol/wire-message.ts';
import { bytesOf } from './body.ts';
import { createSerializerRegistry } from './index.ts';
import { createMetaCodec } from './meta-codec.ts';
import { zstdBound } from './zstd-bound.ts';
import { loadZstd } from './zstd.ts';
import { withContentSize } from './zstd-size.ts';

const registry = createSerializerRegistry();
const accept = ['json', 'msgpack', 'yaml', 'raw'];
const limits = { accept, maxBytes: 100_000 };
const message = (body: WireMessage['body'], more: Partial<WireMessage> = {}): WireMessage => ({
  body,
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  headers: {},
  properties: {},
  ...more,
});

test('json is there at once, in every form of a body', () => {
  const value = { a: [1, 'é☃😀'] };
  const { body, contentType, contentEncoding, compression } = registry.encode(value, { serializer: 'json' }) as Awaited<ReturnType<typeof registry.encode>>;
  expect([contentType, contentEncoding, compression]).toEqual(['application/json', 'utf-8', undefined]);
  const base64 = Buffer.from(bytesOf(body)).toString('base64');
  expect([body, bytesOf(body), { base64 }].map((form) => registry.decode(message(form), limits))).toEqual([value, value, value]);
});

test.each(['zlib', 'gzip', 'bzip2', 'bzip', 'brotli', 'lzma', 'xz', 'zstd', 'zstandard'])('%s travels both ways, and has a bound', async (compression) => {
  const value = { text: 'hello '.repeat(2000), n: 1 };
  const encoded = await registry.encode(value, { serializer: 'json', compression });
  expect(bytesOf(encoded.body).length).toBeLessThan(1000);
  const compressed = message(encoded.body, { headers: { compression: encoded.compression! } });
  expect(await registry.decode(compressed, limits)).toEqual(value);
  expect(await registry.decode({ ...compressed, headers: { compression } }, limits)).toEqual(value);
  await expect((async () => registry.decode(compressed, { accept, maxBytes: 5000 }))()).rejects.toThrow(/larger than the 5000 bytes/);
  const broken = message(bytesOf(encoded.body).subarray(0, -10), { headers: { compression } });
  await expect((async () => registry.decode(broken, limits))()).rejects.toThrow(DecodeError);
});

test('the listeners that the bzip2 encoder puts on the process are taken off again', async () => {
  const before = process.listenerCount('unhandledRejection') + process.listenerCount('uncaughtException');
  await createSerializerRegistry().encode('x', { serializer: 'json', compression: 'bzip2' });
  expect(process.listenerCount('unhandledRejection') + process.listenerCount('uncaughtException')).toBe(before);
});

test('bombs do not go off', async () => {
  const bomb = Buffer.alloc(50_000_000);
  for (const [compression, body] of Object.entries({
    zlib: deflateSync(bomb),
    gzip: gzipSync(bomb),
    brotli: brotliCompressSync(bomb.subarray(0, 5_000_000)),
  })) {
    const before = process.memoryUsage().arrayBuffers;
    await expect((async () => registry.decode(message(body, { headers: { compression } }), limits))()).rejects.toThrow(/larger than/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  }
});

test('a zstd frame says how large its content is, without which kombu 5.6 does not read it', async () => {
  const { compress, decompress } = await loadZstd();
  for (const body of [Buffer.alloc(0), Buffer.from('hello hello hello hello'), Buffer.alloc(300_000, 'abc')]) {
    const frame = await compress(body);
    expect(frame[4]! >> 6 !== 0 || (frame[4]! & 0x20) !== 0).toBe(true);
    expect(Buffer.from(await decompress(frame, 1_000_000)).equals(body)).toBe(true);
    expect(withContentSize(frame, body.length)).toBe(frame);
  }
});

test('a zstd frame that lies about its size is measured by its blocks', () => {
  // One frame that says 1 byte and has three blocks of 100,000 times the same.
  const block = (isLast: number): number[] => [((100_000 << 3) | 2 | isLast) & 255, (100_000 >> 5) & 255, 100_000 >> 13, 65];
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, ...block(0), ...block(0), ...block(1)]);
  expect(() => zstdBound(frame, 10_000)).toThrow(/larger than/);
  expect(() => zstdBound(Buffer.from('no zstd at all'), 10_000)).toThrow(/not zstd/);
});

test('only what is accepted is decoded, by name or by content type', () => {
  expect(registry.accepts('application/json', ['json'])).toBe(true);
  expect(registry.accepts('application/json', ['application/json'])).toBe(true);
  expect(registry.accepts('application/x-yaml', ['json'])).toBe(false);
  expect(registry.accepts('application/x-python-serialize', ['pickle'])).toBe(true);
  const options = { accept: ['msgpack'], maxBytes: 1000 };
  expect(() => registry.decode(message({ text: '1' }), options)).toThrow(ContentDisallowed);
  expect(() => registry.decode(message({ text: '1' }), options)).toThrow(/application\/json is not accepted here, only msgpack/);
});

test('pickle is refused, and the error says why', () => {
  const pickled = message(Buffer.from('80044e2e', 'hex'), { contentType: 'application/x-python-serialize', contentEncoding: 'binary' });
  expect(() => registry.decode(pickled, limits)).toThrow(ContentDisallowed);
  expect(() => registry.decode(pickled, { ...limits, accept: ['pickle'] })).toThrow(/pickle is not supported: reading it would run/);
  expect(() => registry.encode(1, { serializer: 'pickle' })).toThrow(ImproperlyConfigured);
});

test('unknown names say what is known', async () => {
  expect(() => registry.encode(1, { serializer: 'jsn' })).toThrow(/no serializer "jsn"; known are json, msgpack, yaml, raw/);
  expect(() => registry.encode(1, { serializer: 'json', compression: 'rar' })).toThrow(/no compression "rar"; known are zlib/);
  expect(() => registry.decode(message({ text: '1' }, { headers: { compression: 'rar' } }), limits)).toThrow(DecodeError);
  await expect(registry.prepare(['json', 'rar'])).rejects.toThrow(ImproperlyConfigured);
});

test.each<[string, WireMessage]>([
  ['json', message({ text: '{' })],
  ['base64', message({ base64: '*' })],
  ['utf-8', message(Buffer.from([34, 255, 34]))],
  ['msgpack', message(Buffer.from([0xc1]), { contentType: 'application/x-msgpack' })],
  ['a list of msgpack that lies about its length', message(Buffer.from('ddffffffff01', 'hex'), { contentType: 'application/x-msgpack' })],
  ['msgpack nested too deep', message(Buffer.alloc(5000, 0x91), { contentType: 'application/x-msgpack' })],
  ['msgpack with an extension', message(Buffer.from('d40501', 'hex'), { contentType: 'application/x-msgpack' })],
  ['yaml', message({ text: '[' }, { contentType: 'application/x-yaml' })],
  ['yaml nested too deep', message({ text: '['.repeat(5000) }, { contentType: 'application/x-yaml' })],
  ['yaml with a tag of Python', message({ text: '!!python/object:os.system {}' }, { contentType: 'application/x-yaml' })],
  [
    'yaml that grows by aliases',
    message(
      { text: `a: &a [x]\n${['b', 'c', 'd', 'e', 'f'].map((key, i) => `${key}: &${key} [${`*${'abcdef'[i]},`.repeat(30)}]`).join('\n')}` },
      { contentType: 'application/x-yaml' },
    ),
  ],
])('what is no %s is a DecodeError', async (_, bad) => {
  await expect((async () => registry.decode(bad, limits))()).rejects.toThrow(DecodeError);
});

test('keys named __proto__ change no prototype', async () => {
  const yaml = (await registry.decode(message({ text: '__proto__: {polluted: 1}' }, { contentType: 'application/x-yaml' }), limits)) as object;
  expect(Object.keys(yaml)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(yaml)).toBe(Object.prototype);
  const msgpack = message(Buffer.from('81a95f5f70726f746f5f5f81a8706f6c6c7574656401', 'hex'), { contentType: 'application/x-msgpack' });
  await expect((async () => registry.decode(msgpack, limits))()).rejects.toThrow(DecodeError);
  expect('polluted' in {}).toBe(false);
});

test.each(['msgpack', 'yaml'])('%s names what it cannot carry, and where', async (serializer) => {
  await registry.prepare([serializer]);
  expect(() => registry.encode({ a: [new Decimal('1')] }, { serializer })).toThrow(/a Decimal \(.*\) cannot be sent \(at \$\.a\[0\]\)/);
  expect(() => registry.encode([(() => 1) as unknown as Value], { serializer })).toThrow(EncodeError);
  expect(() => registry.encode([new Map() as unknown as Value], { serializer })).toThrow(EncodeError);
});

test('raw takes and gives bytes', () => {
  const encoded = registry.encode(Buffer.from([0, 255]), { serializer: 'raw' });
  expect(encoded).toMatchObject({ contentType: 'application/data', contentEncoding: 'binary' });
  expect(registry.decode(message(Buffer.from([0, 255]), { contentType: 'application/data' }), limits)).toEqual(Buffer.from([0, 255]));
  expect(() => registry.encode(1, { serializer: 'raw' })).toThrow(EncodeError);
});

test('serializers and compressions of others take their place among ours', async () => {
  const own = createSerializerRegistry();
  own.register({
    name: 'rot',
    contentType: 'application/x-rot',
    contentEncoding: 'utf-8',
    encode: (value) => [...String(value)].reverse().join(''),
    decode: (body) => [...String(body)].reverse().join(''),
  });
  own.registerCompression({ name: 'none', aliases: ['plain'], contentType: 'application/x-none', compress: (body) => body, decompress: (body) => body });
  const encoded = await own.encode('abc', { serializer: 'rot', compression: 'plain' });
  expect(encoded).toMatchObject({ contentType: 'application/x-rot', compression: 'application/x-none' });
  expect(Buffer.from(bytesOf(encoded.body)).toString()).toBe('cba');
  expect(own.decode(message(encoded.body, { contentType: 'application/x-rot', headers: { compression: 'none' } }), { accept: ['rot'], maxBytes: 10 })).toBe(
    'abc',
  );
});

const meta = {
  task_id: 'x',
  status: 'SUCCESS',
  result: { json: '{"a":1}', value: () => ({ a: 1 }) },
  traceback: null,
  children: [],
  date_done: '2026-11-22T09:42:17.388279+00:00',
} as const;

test.each<[string, string | undefined]>([
  ['json', undefined],
  ['msgpack', undefined],
  ['yaml', undefined],
  ['json', 'zlib'],
  ['msgpack', 'brotli'],
])('metas in %s, compression %s, at once', async (serializer, compression) => {
  const codec = await createMetaCodec(createSerializerRegistry(), { serializer, compression, accept: [serializer], maxBytes: 10_000 });
  expect(codec.isPlainJson).toBe(serializer === 'json' && compression === undefined);
  const stored = codec.encode(meta);
  expect(
    Buffer.from(stored as Uint8Array)
      .toString('latin1')
      .startsWith('\0celery-compressed\0'),
  ).toBe(compression !== undefined);
  const read = codec.decode(stored);
  expect({ ...read, result: read.result.value() }).toEqual({ ...meta, result: { a: 1 } });
});

test('metas of Celery 5.7 that are compressed are read without being configured so', async () => {
  const codec = await createMetaCodec(createSerializerRegistry(), { serializer: 'json', accept: ['json'], maxBytes: 10_000 });
  const stored = Buffer.concat([
    Buffer.from('\0celery-compressed\0application/x-gzip\0', 'latin1'),
    deflateSync('{"status":"SUCCESS","task_id":"x","result":1}'),
  ]);
  expect(codec.decode(stored)).toMatchObject({ status: 'SUCCESS', task_id: 'x' });
  expect(() => codec.decode(Buffer.from('\0celery-compressed\0'))).toThrow(DecodeError);
  expect(() => codec.decode('{}')).toThrow(DecodeError);
});

test('a meta codec refuses what it could not do at once', async () => {
  await expect(createMetaCodec(registry, { serializer: 'json', compression: 'lzma', accept: ['json'], maxBytes: 1 })).rejects.toThrow(/no synchronous form/);
});
