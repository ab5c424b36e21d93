import { AmqpSyntaxError } from './errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { TableModel } from './table-model.ts';

/** A decimal as AMQP writes it: `value / 10^scale`. */
export interface AmqpDecimal {
  readonly scale: number;
  readonly value: number;
}
/** What a field of a table may hold, once read. Integers beyond 2^53 are bigint. */
export type FieldValue = null | boolean | number | bigint | string | Date | Uint8Array | AmqpDecimal | readonly FieldValue[] | FieldTable;
export interface FieldTable {
  readonly [name: string]: FieldValue | undefined;
}

/** Tables within tables: no honest peer goes deeper, and a hostile one must not exhaust the stack. */
const MAX_DEPTH = 64;
const INT32_MAX = 2 ** 31 - 1;

/**
 * Writes a table with only the letters that every released py-amqp reads rightly: integers as `I`, or `L` where they need more than 32 bits
 * (`-2^31` too, as py-amqp does), floats `d`, strings `S`, `t`, `V`, `F`, `A`, `T`, byte arrays `x`. Small integers as `s` or `b` would reach Python 5.3 as garbage.
 */
export function writeTable(out: ByteWriter, table: FieldTable, depth = 0): void {
  const at = out.reserve(4);
  for (const [name, value] of Object.entries(table)) {
    if (value === undefined) continue;
    out.shortString(name);
    writeValue(out, value, depth);
  }
  out.fillLength(at);
}

function writeValue(out: ByteWriter, value: FieldValue, depth: number): void {
  if (depth > MAX_DEPTH) throw new AmqpSyntaxError(`a table is nested deeper than ${MAX_DEPTH} levels`);
  if (value === null) out.letter('V');
  else if (typeof value === 'string') {
    out.letter('S');
    out.longString(value);
  } else if (typeof value === 'boolean') {
    out.letter('t');
    out.u8(value ? 1 : 0);
  } else if (typeof value === 'bigint') writeLong(out, value);
  else if (typeof value === 'number') writeNumber(out, value);
  else if (value instanceof Date) {
    out.letter('T');
    out.u64(BigInt(Math.floor(value.getTime() / 1000)));
  } else if (value instanceof Uint8Array) {
    out.letter('x');
    out.longBytes(value);
  } else if (Array.isArray(value)) {
    out.letter('A');
    const at = out.reserve(4);
    for (const item of value as readonly FieldValue[]) writeValue(out, item, depth + 1);
    out.fillLength(at);
  } else if (isDecimal(value as FieldTable)) {
    out.letter('D');
    out.u8((value as AmqpDecimal).scale);
    out.i32((value as AmqpDecimal).value);
  } else {
    out.letter('F');
    writeTable(out, value as FieldTable, depth + 1);
  }
}

function writeNumber(out: ByteWriter, value: number): void {
  if (!Number.isInteger(value) || Object.is(value, -0)) {
    out.letter('d');
    out.f64(value);
  } else if (Math.abs(value) <= INT32_MAX) {
    out.letter('I');
    out.i32(value);
  } else if (Number.isSafeInteger(value)) writeLong(out, BigInt(value));
  else {
    out.letter('d');
    out.f64(value);
  }
}

function writeLong(out: ByteWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) throw new AmqpSyntaxError(`the integer ${value} needs more than 64 bits and cannot stand in a header`);
  out.letter('L');
  out.i64(value);
}

/** Only a decimal that was read from a table: such an object of a user's is a table like any other. */
const decimals = new WeakSet<object>();
const isDecimal = (value: object): boolean => decimals.has(value);

/** Reads a table with every letter in use: RabbitMQ's and py-amqp's 5.4 meaning of them (`s`, `b`, `l` are signed). */
export function readTable(input: ByteReader, depth = 0): FieldTable {
  const end = input.u32() + input.offset;
  input.require(end);
  const start = input.offset;
  if (start === end) return {};
  const like = depth === 0 ? TableModel.read(input, end, readTopValue) : undefined;
  if (like !== undefined) return like;
  input.offset = start;
  const table: Record<string, FieldValue> = {};
  const starts: number[] = [];
  while (input.offset < end) {
    starts.push(input.offset);
    const name = input.recurringString();
    const value = readValue(input, depth);
    // From a peer it is a name like any other.
    if (name === '__proto__') Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true });
    else table[name] = value;
  }
  if (input.offset !== end) throw new AmqpSyntaxError('a table is longer than it says');
  if (depth === 0) TableModel.keep(input, start, starts, table);
  return table;
}

const readTopValue = (input: ByteReader): FieldValue => readValue(input, 0);

function readValue(input: ByteReader, depth: number): FieldValue {
  if (depth > MAX_DEPTH) throw new AmqpSyntaxError(`a table is nested deeper than ${MAX_DEPTH} levels`);
  const letter = String.fromCharCode(input.u8());
  switch (letter) {
    case 't':
      return input.u8() !== 0;
    case 'b':
      return (input.u8() << 24) >> 24;
    case 'B':
      return input.u8();
    case 's':
    case 'U':
      return (input.u16() << 16) >> 16;
    case 'u':
      return input.u16();
    case 'I':
      return input.i32();
    case 'i':
      return input.u32();
    case 'l':
    case 'L':
      return safe(input.i64());
    case 'f':
      return input.f32();
    case 'd':
      return input.f64();
    case 'D': {
      const decimal = { scale: input.u8(), value: input.i32() };
      decimals.add(decimal);
      return decimal;
    }
    case 'S':
      return input.longText();
    case 'x':
      return input.longBytes();
    case 'A':
      return readArray(input, depth + 1);
    case 'T':
      return new Date(Number(input.u64()) * 1000);
    case 'F':
      return readTable(input, depth + 1);
    case 'V':
      return null;
    default:
      throw new AmqpSyntaxError(`a table holds a field of the unknown type ${JSON.stringify(letter)}`);
  }
}

function readArray(input: ByteReader, depth: number): readonly FieldValue[] {
  const end = input.u32() + input.offset;
  input.require(end);
  const values: FieldValue[] = [];
  while (input.offset < end) values.push(readValue(input, depth));
  if (input.offset !== end) throw new AmqpSyntaxError('an array is longer than it says');
  return values;
}

const safe = (value: bigint): number | bigint => (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value);
