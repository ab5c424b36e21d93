import { expect } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/clients/amqp/bytes.ts';
import { readProperties, writeProperties } from '../../src/clients/amqp/properties.ts';
import { DecodeError, InvalidTaskError } from '../../src/errors.ts';
import { pythonRepr, argsRepr } from '../../src/kernel/repr.ts';
import { Decimal, type Json, type JsonObject, type Value } from '../../src/protocol/json.ts';
import { receiveTask } from '../../src/protocol/task-message.ts';
import { WireDate } from '../../src/protocol/datetime.ts';
import type { WireMessage } from '../../src/protocol/wire-message.ts';
import { createMetaCodec } from '../../src/serialization/meta-codec.ts';
import { bytesOf } from '../../src/serialization/body.ts';
import { readEnvelope } from '../../src/transports/virtual/envelope.ts';
import { at } from './files.ts';
import { decode, piecesOf, registry } from './pieces.ts';

export type Check = (vector: JsonObject) => void | Promise<void>;

/** Vectors that hold something else than envelopes, metas and messages as text. */
export const special: Readonly<Record<string, Check>> = {
  'tasks/task_routing_exchange': (vector) => expect(vector['messages']).toEqual([]),
  'results/result_ignore': (vector) => expect(Object.keys(vector['keys'] as JsonObject).filter((key) => key.includes('task-meta'))).toEqual([]),
  'results/result_serializer_msgpack': (vector) => checkStored(vector, 'msgpack'),
  'results/result_serializer_yaml': (vector) => checkStored(vector, 'yaml'),
  'results/result_serializer_pickle': async () => {
    const options = { serializer: 'pickle', accept: ['pickle'], maxBytes: 1000 };
    await expect(createMetaCodec(registry, options)).rejects.toThrow(/pickle is not supported/);
  },
  'serializers/serializers': checkSerializers,
  'serializers/serializers-5.2.6': checkSerializers,
  'serializers/compression': checkCompressions,
  'serializers/saferepr': checkReprs,
  'redis/redis_restore_monitor': checkMonitor,
  'interop/minimal_messages': checkMinimal,
  'interop/minimal_messages_2': checkMinimal,
  'amqp/amqp_task_full': checkAmqp,
  'amqp/amqp_task_msgpack': checkAmqp,
  'amqp/amqp_task_plain': checkAmqp,
  'amqp/amqp_task_reply_to': checkAmqp,
  'amqp/amqp_task_stamped': checkAmqp,
};

const bytesAt = (value: Json | undefined, ...path: readonly (string | number)[]): Buffer => Buffer.from(String(at(value, ...path)), 'hex');

/** Metas of another serializer: read, written and read again. */
async function checkStored(vector: JsonObject, serializer: string): Promise<void> {
  const codec = await createMetaCodec(registry, { serializer, accept: [serializer], maxBytes: 10_000 });
  for (const [key, file] of Object.entries(vector['files'] as JsonObject)) {
    const meta = codec.decode(bytesAt(file, 'hex'));
    expect(`celery-task-meta-${meta.task_id}`).toBe(key);
    const again = codec.decode(codec.encode(meta));
    expect({ ...again, result: again.result.json }).toEqual({ ...meta, result: meta.result.json });
  }
}

/** Values whose type changes on the way through JavaScript (decisions.md 41, wire.md 1.6). */
const CHANGED: Readonly<Record<string, string>> = {
  float_int: '1.0 is the integer 1 to us',
  dict_int_keys: 'keys are texts',
  set: 'a set is a list',
  tuple: '',
  nested: '',
};

async function checkSerializers(vector: JsonObject): Promise<void> {
  await registry.prepare(['msgpack', 'yaml']);
  for (const row of vector['values'] as readonly JsonObject[]) {
    const name = String(row['name']);
    for (const serializer of ['json', 'msgpack', 'yaml']) {
      const captured = row[serializer] as JsonObject;
      if ('error' in captured) continue;
      const message = {
        body: bytesAt(captured, 'hex'),
        contentType: String(captured['content_type']),
        contentEncoding: String(captured['content_encoding']),
        headers: {},
        properties: {},
      };
      const value = (await decode(message)) as Value;
      const written = await registry.encode(value, { serializer });
      expect([written.contentType, written.contentEncoding]).toEqual([captured['content_type'], captured['content_encoding']]);
      expect(await decode({ ...message, body: written.body }), `${name} in ${serializer}`).toEqual(value);
      if (CHANGED[name]) continue;
      if (serializer === 'msgpack') expect(Buffer.from(bytesOf(written.body)).toString('hex'), name).toBe(captured['hex']);
      if (serializer === 'json' && name !== 'nan' && name !== 'inf')
        expect(JSON.parse((written.body as { text: string }).text), name).toEqual(JSON.parse(String(captured['text'])));
    }
    expect(() =>
      decode({ body: bytesAt(row, 'pickle', 'hex'), contentType: 'application/x-python-serialize', contentEncoding: 'binary', headers: {}, properties: {} }),
    ).toThrow(/pickle is not supported/);
  }
}

async function checkCompressions(vector: JsonObject): Promise<void> {
  const input = String(vector['input']);
  for (const [contentType, encoder] of Object.entries(vector['encoders'] as JsonObject)) {
    const names = contentType === 'aliases' ? Object.entries(encoder as JsonObject) : [[contentType, contentType] as const];
    for (const [method, expected] of names) {
      const written = await registry.encode(input, { serializer: 'text/plain', compression: method });
      expect(written.compression, method).toBe(expected);
      const bodies = [bytesOf(written.body), ...(contentType === 'aliases' ? [] : [bytesAt(encoder, 'hex')])];
      for (const body of bodies) {
        expect(await decode({ body, contentType: 'text/plain', contentEncoding: 'utf-8', headers: { compression: method }, properties: {} }), method).toBe(
          input,
        );
      }
    }
  }
}

/** The captured values that JavaScript has, by Python's repr of them. */
const VALUES: Readonly<Record<string, unknown>> = {
  '[1, [2, [3, [4, [5]]]]]': [1, [2, [3, [4, [5]]]]],
  "{'a': {'b': {'c': {'d': 1}}}}": { a: { b: { c: { d: 1 } } } },
  '"it\'s"': "it's",
  "b'abc'": Buffer.from('abc'),
  "b'\\xff\\x00'": Buffer.from([255, 0]),
  '{1, 2}': new Set([1, 2]),
  '1.5': 1.5,
  True: true,
  None: null,
  "Decimal('1.1')": new Decimal('1.1'),
  'datetime.datetime(2024, 1, 2, 0, 0)': new WireDate('2024-01-02T00:00:00'),
  '[nan]': [NaN],
  "'new\\nline \u2603'": 'new\nline \u2603',
  "{'a': \"q'uote\"}": { a: "q'uote" },
};
const TUPLES: Readonly<Record<string, readonly unknown[]>> = { '()': [], '(1,)': [1], '(1, 2)': [1, 2] };
/** Python's own: JavaScript has no such values, or (the last two, longer than 1,024) 5.6 did not close their brackets as 5.7 does. */
const NOT_OURS = ['frozenset()', "{'k': (1,)}", 'range(0, 3)', '[0, 1, 2', "['aaaa"];

function checkReprs(vector: JsonObject): void {
  for (const { python_repr, saferepr_1024 } of vector['values'] as unknown as readonly { readonly python_repr: string; readonly saferepr_1024: string }[]) {
    if (python_repr in VALUES) expect(pythonRepr(VALUES[python_repr])).toBe(saferepr_1024);
    else if (python_repr in TUPLES) expect(argsRepr(TUPLES[python_repr]!)).toBe(saferepr_1024);
    else if (python_repr.startsWith("'xxx")) expect(pythonRepr('x'.repeat(2000))).toBe(saferepr_1024);
    else if (python_repr.startsWith("('xxx")) expect(argsRepr(['x'.repeat(600), 'y'.repeat(600), 'z'.repeat(600)])).toHaveLength(saferepr_1024.length);
    else
      expect(
        NOT_OURS.some((start) => python_repr.startsWith(start)),
        python_repr,
      ).toBe(true);
  }
}

/** MONITOR quotes its arguments as JSON nearly does. */
async function checkMonitor(vector: JsonObject): Promise<void> {
  const pushes = (vector['monitor'] as readonly string[]).flatMap((line) => /"RPUSH" "[^"]*" ("(?:[^"\\]|\\.)*")$/.exec(line)?.[1] ?? []);
  expect(pushes.length).toBeGreaterThan(0);
  for (const push of pushes) {
    const envelope = JSON.parse(push) as string;
    const pieces = piecesOf(envelope);
    expect(pieces.map(({ kind }) => kind)).toEqual(['envelope']);
    const { message, redelivered } = readEnvelope(envelope);
    expect(redelivered).toBe(true);
    expect(message.headers['task']).toBe('proj.add');
  }
}

/** What Python did with careless messages is in the vector; what we do differs where Python crashed. */
const REFUSED: Readonly<Record<string, new (...args: never[]) => Error>> = {
  'eta garbage': InvalidTaskError,
  'headers.id only in properties? id missing': InvalidTaskError,
  'text/plain content type': InvalidTaskError,
  'unknown __type__': DecodeError,
};

async function checkMinimal(vector: JsonObject): Promise<void> {
  for (const { case: name, envelope } of vector['cases'] as unknown as readonly { readonly case: string; readonly envelope: JsonObject }[]) {
    const read = readEnvelope(JSON.stringify(envelope));
    const run = async (): Promise<unknown> => {
      const task = await receiveTask({ ...read, queue: 'celery' }, decode);
      expect([task.headers.lang === '', task.headers.timelimit.length, task.headers.retries]).toEqual([false, 2, 0]);
      const { args, kwargs } = await task.body();
      return [args.length > 0, Object.keys(kwargs)];
    };
    if (REFUSED[name] !== undefined) await expect(run(), name).rejects.toThrow(REFUSED[name]);
    else expect(await run(), name).toEqual([true, []]);
  }
}

/** Content headers, byte for byte, and bodies. */
async function checkAmqp(vector: JsonObject): Promise<void> {
  for (const captured of vector['messages'] as readonly JsonObject[]) {
    const header = bytesAt(captured, 'content_header_properties_hex');
    const properties = readProperties(new ByteReader(header));
    const out = new ByteWriter();
    writeProperties(out, properties);
    // Bytes that are no UTF-8 in a field of the type S come as text from our reader, and cannot be written back.
    const hasBytes = properties.headers?.['x-bytes'] !== undefined;
    if (!hasBytes) expect(Buffer.from(out.take()).toString('hex')).toBe(header.toString('hex'));
    const { 'x-bytes': _, 'x-dt': moment, ...headers } = properties.headers!;
    const { 'x-bytes': __, 'x-dt': expected, ...others } = at(captured, 'properties', 'application_headers') as JsonObject;
    expect(headers).toEqual(others);
    expect(moment === undefined).toBe(expected === undefined);
    const message: WireMessage = {
      body: bytesAt(captured, 'body_hex'),
      contentType: properties.contentType!,
      contentEncoding: properties.contentEncoding!,
      headers: properties.headers as JsonObject,
      properties: {},
    };
    const task = await receiveTask({ message, queue: 'celery', exchange: '', routingKey: 'celery', redelivered: false }, decode);
    const { args } = await task.body();
    expect(task.headers.argsrepr).toBe(argsRepr(args));
    const value = await decode(message);
    const serializer = message.contentType === 'application/x-msgpack' ? 'msgpack' : 'json';
    const again = await registry.encode(value, { serializer, compression: message.headers['compression'] as string | undefined });
    expect(await decode({ ...message, body: again.body })).toEqual(value);
    if (serializer === 'msgpack') expect(Buffer.from(bytesOf(again.body)).toString('hex')).toBe(captured['body_hex']);
  }
}
