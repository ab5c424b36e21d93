import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError, EncodeError } from '../errors.ts';
import { WireDate } from './datetime.ts';
import { decodeForeign, decodeJson, encodeJson, encoded, encodedText } from './json-text.ts';
import { Decimal, Uuid, type Value } from './json.ts';
import { temporal } from './temporal.ts';

const { PlainDate, PlainTime } = temporal();

test('plain values are what JSON.stringify and JSON.parse make of them', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = encodeJson(value as Value);
      expect(text).toBe(JSON.stringify(value));
      // Integers of this size are bigints when they are read: see below.
      if (!/\d{16}/.test(text)) expect(decodeJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test('typed values travel both ways', () => {
  const values: Record<string, [Value, string]> = {
    datetime: [new Date('2024-01-02T03:04:05.678Z'), '"2024-01-02T03:04:05.678+00:00"'],
    date: [PlainDate.from('2024-01-02'), '"2024-01-02"'],
    time: [PlainTime.from('03:04:05.000006'), '"03:04:05.000006"'],
    decimal: [new Decimal('1.10'), '"1.10"'],
    uuid: [new Uuid('00000000-0000-0000-0000-000000000001'), '{"hex":"00000000000000000000000000000001"}'],
    bytes: [new Uint8Array([97, 98, 99]), '"abc"'],
    base64: [new Uint8Array([255, 254]), '"//4="'],
  };
  for (const [type, [value, text]] of Object.entries(values)) {
    const json = `{"__type__":"${type}","__value__":${text}}`;
    expect(encodeJson(value)).toBe(json);
    expect(encodeJson({ in: [value] })).toBe(`{"in":[${json}]}`);
    expect(encodeJson(decodeJson(json))).toBe(json);
    expect((decodeJson(json) as object).constructor.name).toBe(type === 'datetime' ? 'WireDate' : (value as object).constructor.name);
  }
});

test('a time with whole seconds has no fraction, as old Pythons need it', () => {
  expect(encodeJson(PlainTime.from('03:04'))).toContain('"03:04:00"');
});

test.each(['2024-01-02T03:04:05', '2024-01-02T03:04:05.678901', '2024-01-02T03:04:05.678901+02:00', '2024-01-02T03:04:05-05:30'])(
  'the datetime %s is written back as it came',
  (text) => {
    const json = `{"__type__":"datetime","__value__":"${text}"}`;
    const date = decodeJson(json) as Date;
    expect(date).toBeInstanceOf(Date);
    expect(encodeJson(date)).toBe(json);
    date.setUTCFullYear(2025);
    expect(encodeJson(date)).toContain('"2025-');
    expect(encodeJson(date)).toContain('+00:00"');
  },
);

test('a naive datetime reads as UTC, an offset is counted', () => {
  expect(new WireDate('2024-01-02T03:04:05').toISOString()).toBe('2024-01-02T03:04:05.000Z');
  expect(new WireDate('2024-01-02T03:04:05.6789+02:00').toISOString()).toBe('2024-01-02T01:04:05.678Z');
});

test('an object with one key more, or one less, is a plain one', () => {
  const text = '{"__type__":"datetime","__value__":"x","more":1}';
  expect(decodeJson(text)).toEqual(JSON.parse(text));
  expect(decodeJson('{"__type__":"datetime"}')).toEqual({ __type__: 'datetime' });
});

test.each([
  '{"__type__":"set","__value__":[1]}',
  '{"__type__":"constructor","__value__":1}',
  '{"__type__":"datetime","__value__":"soon"}',
  '{"__type__":"uuid","__value__":5}',
])('%s cannot be read, and stays what it is where it is not for us', (text) => {
  expect(() => decodeJson(text)).toThrow(DecodeError);
  expect(encodeJson(decodeForeign(`[12345678901234567890,${text}]`))).toBe(`[12345678901234567890,${text}]`);
});

test('integers beyond 2^53 are bigints both ways, smaller ones are numbers', () => {
  const text = '[9007199254740991,9007199254740993,-1180591620717411303424,0.12345678901234567,1234567890123456]';
  expect(decodeJson(text)).toEqual([9007199254740991, 9007199254740993n, -1180591620717411303424n, Number('0.12345678901234567'), 1234567890123456]);
  expect(encodeJson([2n ** 70n, -5n])).toBe('[1180591620717411303424,-5]');
});

test('digits within texts are texts', () => {
  const value = { 'a"12345678901234567890': '\\"98765432109876543210\\', b: ['NaN', 'Infinity "NaN"', 12345678901234567890n] } as Value;
  expect(decodeJson(encodeJson(value))).toEqual(value);
});

test('any list of texts and wide numbers is read as it was written', () => {
  const item = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.bigInt().filter((n) => n > 2n ** 53n || n < -(2n ** 53n)),
    fc.constantFrom(Infinity, -Infinity, NaN),
    fc.double(),
  );
  const asRead = (each: string | number | bigint): Value =>
    typeof each === 'number' && Number.isInteger(each) && !String(each).includes('e') ? (Number.isSafeInteger(each) ? each + 0 : BigInt(String(each))) : each;
  fc.assert(
    fc.property(fc.array(item), (items) => {
      expect(decodeJson(encodeJson(items))).toEqual(items.map(asRead));
    }),
  );
});

test('NaN and Infinity are read, and written where a value holds them', () => {
  expect(decodeJson('[NaN, Infinity, -Infinity, {"a": NaN}]')).toEqual([NaN, Infinity, -Infinity, { a: NaN }]);
  expect(encodeJson([NaN, Infinity, -Infinity])).toBe('[NaN,Infinity,-Infinity]');
});

test.each(['', '{', '[1,]', '{NaN: 1}', '[12345678901234567890', '"NaN', '[Infinityy]', '[-NaN]', '1 2'])('%j is no JSON', (text) => {
  expect(() => decodeJson(text)).toThrow(DecodeError);
});

test('hostile texts are refused in no time', () => {
  const began = performance.now();
  expect(() => decodeJson(`[${'9'.repeat(1_000_000)}]`)).toThrow(/1000000 digits/);
  expect(() => decodeJson(`"${'\\"'.repeat(500_000)}NaN`)).toThrow(DecodeError);
  expect(() => decodeJson(`[${'1234567890123456.'.repeat(100_000)}`)).toThrow(DecodeError);
  expect(() => decodeJson('['.repeat(1_000_000) + ']'.repeat(1_000_000))).toThrow(/nested deeper/);
  // A tenth of a second, or a few on a busy machine; what grows with the square of the length would take hours.
  expect(performance.now() - began).toBeLessThan(60_000);
}, 120_000);

test('a key __proto__ is a key like any other', () => {
  for (const text of ['{"__proto__":{"polluted":1}}', '{"__proto__":{"polluted":{"__type__":"bytes","__value__":""}}}', '{"__proto__":{"polluted":NaN}}']) {
    const value = decodeJson(text) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect('polluted' in {}).toBe(false);
    expect(encodeJson(value as Value).startsWith('{"__proto__":{"polluted":')).toBe(true);
  }
});

test('what cannot travel is named with its path', () => {
  const refused = (value: unknown): string => {
    try {
      return encodeJson(value as Value);
    } catch (error) {
      expect(error).toBeInstanceOf(EncodeError);
      return (error as Error).message;
    }
  };
  expect(refused([{ user: { 'e-mail': () => 1 } }])).toContain('a function cannot be sent (at $[0].user["e-mail"])');
  expect(refused({ seen: new Set([1]) })).toContain('class Set cannot be sent (at $.seen)');
  expect(refused([new Map()])).toContain('class Map');
  expect(refused([new Error('x')])).toContain('class Error');
  expect(refused(Promise.resolve(1))).toContain('class Promise cannot be sent;');
  expect(refused([Symbol('x')])).toContain('a symbol');
  expect(refused([new Date(NaN)])).toContain('an invalid Date cannot be sent (at $[0])');
  expect(refused([new Date(8.64e15)])).toContain('year 275760');
  const circle: unknown[] = [];
  circle.push(circle);
  expect(refused(circle)).toContain('contains itself');
});

test('what has toJSON travels as that; undefined is left out of maps and null in lists', () => {
  expect(encodeJson({ url: new URL('http://x/'), no: undefined, list: [undefined, 1] } as unknown as Value)).toBe('{"url":"http://x/","list":[null,1]}');
  expect(encodeJson(undefined as unknown as Value)).toBe('null');
});

test('an Encoded makes each of its two forms once, and only when asked', () => {
  let reads = 0;
  const value = {
    get a() {
      reads += 1;
      return 1;
    },
  };
  const fromValue = encoded(value);
  expect(reads).toBe(0);
  expect([fromValue.json, fromValue.json]).toEqual(['{"a":1}', '{"a":1}']);
  expect(fromValue.value()).toBe(value);
  const fromText = encodedText('{"a": 1}');
  expect(fromText.json).toBe('{"a": 1}');
  expect(fromText.value()).toBe(fromText.value());
});
