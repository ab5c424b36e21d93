import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from './bytes.ts';
import { readTable, writeTable, type FieldTable, type FieldValue } from './field-table.ts';

const bytesOf = (table: FieldTable): Buffer => {
  const out = new ByteWriter();
  writeTable(out, table);
  return out.take();
};
const roundTrip = (table: FieldTable): FieldTable => readTable(new ByteReader(bytesOf(table)));

test('of many tables with the same names each is read as it is, whatever came before', () => {
  const value: fc.Arbitrary<FieldValue> = fc.oneof(
    fc.constantFrom<FieldValue>(null, 'a', 'b', '', 'ä', '\ufffd', true, 0, 1, 2 ** 40, 0.5),
    fc.uint8Array({ maxLength: 2 }),
    fc.constant([null, null]),
    fc.constant({}),
    fc.constant({ a: 1 }),
  );
  const table = fc.record({ lang: value, task: value, id: value, extra: value, timelimit: value }, { requiredKeys: ['lang', 'task'] });
  fc.assert(
    fc.property(fc.array(table, { maxLength: 30 }), (tables) => {
      for (const one of tables) expect(roundTrip(one)).toEqual(one);
    }),
  );
});

test('nothing of a table is shared with the next but texts', () => {
  const given = { first: ['x'], second: { a: 'y' }, third: new Uint8Array([255]) };
  const [one, other] = [roundTrip(given), roundTrip(given)];
  for (const name of Object.keys(given)) expect(one[name]).not.toBe(other[name]);
  (one as Record<string, unknown>)['fourth'] = 1;
  expect(roundTrip(given)).toEqual(given);
});

test('names that are there twice, numbers as names and __proto__ mean what they meant', () => {
  const field = (name: string, ...value: number[]): number[] => [name.length, ...Buffer.from(name), ...value];
  const read = (...fields: number[][]): FieldTable => {
    const body = fields.flat();
    return readTable(new ByteReader(Buffer.from([0, 0, 0, body.length, ...body])));
  };
  const [void_, one] = [[86], [66, 1]];
  for (let i = 0; i < 3; i++) {
    expect(read(field('q', ...void_), field('n', ...one), field('n', ...void_))).toEqual({ q: null, n: null });
    expect(read(field('r', ...void_), field('2', ...one), field('1', ...void_))).toEqual({ r: null, 2: 1, 1: null });
    const odd = read(field('s', ...void_), field('__proto__', ...one));
    expect(Object.keys(odd)).toEqual(['s', '__proto__']);
    expect(Object.getPrototypeOf(odd)).toBe(Object.prototype);
  }
});

test('a table that ends before its model does, or goes on after it, is read or refused as it is', () => {
  const table = { word: 'same', number: 5, last: 'end' };
  roundTrip(table);
  const bytes = bytesOf(table);
  expect(roundTrip({ word: 'same', number: 5 })).toEqual({ word: 'same', number: 5 });
  expect(roundTrip({ ...table, more: null })).toEqual({ ...table, more: null });
  for (let length = 4; length < bytes.length; length++) expect(() => readTable(new ByteReader(bytes, 0, length))).toThrow('too early');
  const short = Buffer.from(bytes);
  short.writeUInt32BE(bytes.length - 5, 0);
  expect(() => readTable(new ByteReader(short))).toThrow('longer than it says');
});

test('what follows a table is not taken for a part of it', () => {
  // As properties follow the headers: delivery mode 2 and priority 0 look like a name of two characters, the next byte like the type of its value.
  const odd = bytesOf({ lang: 'js', '\0$': 'x' });
  for (let i = 0; i < 20; i++) readTable(new ByteReader(odd));
  const plain = bytesOf({ lang: 'js' });
  for (const after of [
    [2, 0, 36, 55, 49],
    [2, 0, 36, 83, 0, 0, 0, 9],
    [2, 0, 36],
  ]) {
    const input = new ByteReader(Buffer.concat([plain, Buffer.from(after)]));
    expect(readTable(input)).toEqual({ lang: 'js' });
    expect(input.offset).toBe(plain.length);
  }
});
