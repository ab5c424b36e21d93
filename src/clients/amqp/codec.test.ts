import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import plain from '../../../test/fixtures/vectors/amqp/amqp_task_plain.json' with { type: 'json' };
import { ByteReader, ByteWriter } from './bytes.ts';
import { AmqpSyntaxError } from './errors.ts';
import { readTable, writeTable, type FieldTable, type FieldValue } from './field-table.ts';
import { FrameParser, FRAME_END } from './frames.ts';
import { METHODS, readMethod, writeMethod, type MethodName } from './methods.ts';
import { readProperties, writeProperties } from './properties.ts';

const written = (table: FieldTable): Buffer => {
  const out = new ByteWriter();
  writeTable(out, table);
  return out.take();
};
const letters = (value: FieldValue): string => String.fromCharCode(written({ n: value })[6]!);

describe('field tables', () => {
  test('integers are written only as I and L, which every py-amqp reads rightly', () => {
    expect([0, 1, -1, 127, 128, 300, 32_768, 2 ** 31 - 1, -(2 ** 31) + 1].map(letters)).toEqual(Array.from({ length: 9 }, () => 'I'));
    expect([2 ** 31, -(2 ** 31), 2 ** 40, 2n ** 62n, -(2n ** 63n)].map(letters)).toEqual(Array.from({ length: 5 }, () => 'L'));
    expect([0.5, -0, 1e300, 2 ** 60].map(letters)).toEqual(['d', 'd', 'd', 'd']);
  });

  test('an integer of more than 64 bits is refused, and says so', () => {
    expect(() => written({ n: 2n ** 63n })).toThrow('needs more than 64 bits');
  });

  test('every letter in use is read, with the signs of RabbitMQ and py-amqp 5.4', () => {
    const field = (letter: string, ...bytes: number[]): FieldValue | undefined => {
      const body = [1, 110, letter.charCodeAt(0), ...bytes];
      return readTable(new ByteReader(Buffer.from([0, 0, 0, body.length, ...body])))['n'];
    };
    expect(field('b', 255)).toBe(-1);
    expect(field('B', 200)).toBe(200);
    expect(field('s', 1, 44)).toBe(300);
    expect(field('s', 255, 255)).toBe(-1);
    expect(field('U', 255, 255)).toBe(-1);
    expect(field('u', 255, 255)).toBe(65_535);
    expect(field('i', 178, 208, 94, 0)).toBe(3_000_000_000);
    expect(field('l', 255, 255, 255, 255, 255, 255, 252, 24)).toBe(-1000);
    expect(field('L', 0, 0, 1, 0, 0, 0, 0, 0)).toBe(2 ** 40);
    expect(field('L', 64, 0, 0, 0, 0, 0, 0, 0)).toBe(2n ** 62n);
    expect(field('f', 63, 192, 0, 0)).toBe(1.5);
    expect(field('D', 2, 0, 0, 0, 110)).toEqual({ scale: 2, value: 110 });
    expect(field('x', 0, 0, 0, 2, 0, 255)).toEqual(new Uint8Array([0, 255]));
    expect(field('T', 0, 0, 0, 0, 0x65, 0x93, 0x7d, 0x25)).toEqual(new Date('2024-01-02T03:04:05Z'));
    // Python writes bytes as S: what is no text is given as the bytes that it is.
    expect(field('S', 0, 0, 0, 2, 0xc3, 0xa4)).toBe('ä');
    expect(field('S', 0, 0, 0, 3, 0xef, 0xbf, 0xbd)).toBe('\ufffd');
    expect(field('S', 0, 0, 0, 2, 0xff, 0x80)).toEqual(new Uint8Array([0xff, 0x80]));
    expect(field('t', 1)).toBe(true);
    expect(field('V')).toBeNull();
  });

  test('what is written is read back', () => {
    const value: fc.Arbitrary<FieldValue> = fc.letrec<{ value: FieldValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.maxSafeInteger(),
        fc.double({ noNaN: true }),
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array(),
        fc.array(tie('value')),
        fc.dictionary(fc.string({ maxLength: 40 }), tie('value'), { noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 60 }), value, { noNullPrototype: true }), (table) => {
        expect(readTable(new ByteReader(written(table)))).toEqual(table);
      }),
    );
  });

  test('bytes of any kind are read or refused with an AmqpSyntaxError, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const read of [readTable, readMethod, readProperties] as const) {
          try {
            read(new ByteReader(Buffer.from(bytes)));
          } catch (error) {
            expect(error).toBeInstanceOf(AmqpSyntaxError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('tables nested without end are refused', () => {
    let table: FieldTable = {};
    for (let i = 0; i < 200; i++) table = { t: table };
    expect(() => written(table)).toThrow(AmqpSyntaxError);
  });

  test('a name that JavaScript knows is a name like any other', () => {
    const table = readTable(new ByteReader(written(JSON.parse('{"__proto__": {"polluted": 1}}') as FieldTable)));
    expect(Object.getPrototypeOf(table)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

test('the content header of a Celery task is byte for byte py-amqp’s', () => {
  const [{ properties, content_header_properties_hex: hex }] = plain.messages as unknown as [
    { properties: Record<string, unknown>; content_header_properties_hex: string },
  ];
  const out = new ByteWriter();
  writeProperties(out, {
    contentType: properties['content_type'] as string,
    contentEncoding: properties['content_encoding'] as string,
    headers: properties['application_headers'] as FieldTable,
    deliveryMode: 2,
    priority: 0,
    correlationId: properties['correlation_id'] as string,
    replyTo: properties['reply_to'] as string,
  });
  expect(out.take().toString('hex')).toBe(hex);
  expect(readProperties(new ByteReader(Buffer.from(hex, 'hex'))).headers).toEqual(properties['application_headers']);
});

test('every method is read as it was written, with its bits in their places', () => {
  const sample = {
    octet: 7,
    short: 513,
    long: 70_000,
    longlong: 2 ** 40,
    shortstr: 'ü',
    longstr: 'text',
    bytes: new Uint8Array([0, 255]),
    bit: true,
    table: { a: 1 },
  };
  for (const [name, [, , args]] of Object.entries(METHODS)) {
    const fields = Object.fromEntries(args.map(([argument, type], i) => [argument, type === 'bit' ? i % 2 === 0 : sample[type]]));
    const out = new ByteWriter();
    writeMethod(out, name as MethodName, fields);
    expect(readMethod(new ByteReader(out.take()))).toEqual({ name, fields });
  }
});

describe('frames', () => {
  const frame = (type: number, channel: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(7);
    head.writeUInt8(type, 0);
    head.writeUInt16BE(channel, 1);
    head.writeUInt32BE(payload.length, 3);
    return Buffer.concat([head, payload, Buffer.from([FRAME_END])]);
  };

  test('are found however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.nat(100), fc.uint8Array({ maxLength: 50 })), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map(([type, channel, payload]) => frame(type, channel, Buffer.from(payload))));
          const seen: unknown[] = [];
          const parser = new FrameParser((type, channel, buffer, start, end) => seen.push([type, channel, new Uint8Array(buffer.subarray(start, end))]));
          for (let at = 0, i = 0; at < stream.length; i++) {
            const length = cuts[i % cuts.length]!;
            parser.push(stream.subarray(at, at + length));
            at += length;
          }
          expect(seen).toEqual(frames.map(([type, channel, payload]) => [type, channel, new Uint8Array(payload)]));
        },
      ),
    );
  });

  test('that are too large, or do not end where they say, are refused', () => {
    const parser = (): FrameParser => new FrameParser(() => undefined);
    expect(() => parser().push(frame(1, 0, Buffer.alloc(5000)))).toThrow('4088 are the most allowed');
    const cut = frame(1, 0, Buffer.from('hello'));
    cut[cut.length - 1] = 0;
    expect(() => parser().push(cut)).toThrow('end mark');
  });

  test('of another protocol get a clear error', () => {
    const parser = (): FrameParser => new FrameParser(() => undefined);
    expect(() => parser().push(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toThrow('is this the management port?');
    expect(() => parser().push(Buffer.from([65, 77, 81, 80, 0, 1, 0, 0]))).toThrow('another version of AMQP');
  });
});
