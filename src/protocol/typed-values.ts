import type { Temporal } from 'temporal-polyfill';
import { DecodeError } from '../errors.ts';
import { WireDate, datetimeText } from './datetime.ts';
import { Decimal, Uuid, type Json, type Value } from './json.ts';
import { temporal } from './temporal.ts';

/** What stands under `__type__` and `__value__` for one value of Python's. */
export interface TypedValue {
  readonly __type__: string;
  readonly __value__: Json;
}

/** A value of a type that users have taught an app: it passes through here as it is, and apps make the value of it (`custom-types.ts`). */
export class CustomValue {
  readonly type: string;
  readonly value: Json;

  constructor(type: string, value: Json) {
    this.type = type;
    this.value = value;
  }
}

/** The types that some app of this process knows; all others are refused as they come. */
export const customNames = new Set<string>();

/** Kombu's typed form of a value that JSON has none for; undefined for all others. Throws RangeError where Python has no such value. */
export function typedValue(value: object): TypedValue | undefined {
  if (value instanceof Uuid) return { __type__: 'uuid', __value__: { hex: value.toString().replaceAll('-', '') } };
  if (value instanceof Decimal) return { __type__: 'decimal', __value__: value.toString() };
  if (value instanceof CustomValue) return { __type__: value.type, __value__: value.value };
  return WRITERS[tagOf(value)]?.(value as never);
}

/** By tag and not by class: values of a native Temporal, or of another realm, are the same to Python. */
export const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);

const WRITERS: Readonly<Record<string, (value: never) => TypedValue>> = {
  Date: (date: Date) => {
    const text = datetimeText(date);
    if (text === undefined)
      throw new RangeError(Number.isNaN(date.getTime()) ? 'an invalid Date' : `a Date of the year ${date.getUTCFullYear()}; Python's reach from 1 to 9999`);
    return { __type__: 'datetime', __value__: text };
  },
  'Temporal.PlainDate': (date: Temporal.PlainDate) => {
    const iso = date.withCalendar('iso8601');
    if (iso.year < 1 || iso.year > 9999) throw new RangeError(`a date of the year ${iso.year}; Python's reach from 1 to 9999`);
    return { __type__: 'date', __value__: iso.toString() };
  },
  'Temporal.PlainTime': (time: Temporal.PlainTime) => ({ __type__: 'time', __value__: zonedTimes.get(time) ?? timeText(time) }),
  Uint8Array: bytesValue,
};

/** Temporal's times have no offset, Python's may: they are written back as they came. Times never change, so the text stays true. */
const zonedTimes = new WeakMap<object, string>();

function readTime(text: string): Temporal.PlainTime {
  const local = text.replace(/(?:Z|[+-]\d\d:?\d\d(?::?\d\d(?:\.\d+)?)?)$/i, '');
  const time = temporal().PlainTime.from(local);
  if (local !== text) zonedTimes.set(time, text);
  return time;
}

/** Python before 3.11 reads no other number of digits than 0, 3 and 6; nanoseconds it never has. */
const timeText = (time: Temporal.PlainTime): string =>
  time.toString({ smallestUnit: time.millisecond === 0 && time.microsecond === 0 ? 'second' : 'microsecond' });

function bytesValue(bytes: Uint8Array): TypedValue {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = utf8(buffer);
  return text === undefined ? { __type__: 'base64', __value__: buffer.toString('base64') } : { __type__: 'bytes', __value__: text };
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8: that is the answer.
    return undefined;
  }
}

/** The value that an object with exactly the keys `__type__` and `__value__` stands for. Throws DecodeError for an unknown type, as kombu does. */
export function untypedValue(type: unknown, value: unknown): Value {
  if (typeof type === 'string' && customNames.has(type)) return new CustomValue(type, value as Json) as unknown as Value;
  const read = typeof type === 'string' && Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read === undefined) throw new DecodeError(`a typed value of the unknown type ${shown(type)}; known are ${Object.keys(READERS).join(', ')}`);
  try {
    return read(value);
  } catch (error) {
    throw new DecodeError(`${shown(value)} is not a value of the type ${String(type)}`, { cause: error });
  }
}

/** The same, but of a type or with a value that only others can read: it stays as it came. */
export function untypedOrKept(type: unknown, value: unknown): Value {
  try {
    return untypedValue(type, value);
  } catch {
    return new CustomValue(String(type), value as Json) as unknown as Value;
  }
}

export const isBuiltInType = (name: string): boolean => Object.hasOwn(READERS, name);

const READERS: Readonly<Record<string, (value: unknown) => Value>> = {
  datetime: (value) => new WireDate(text(value)),
  date: (value) => temporal().PlainDate.from(text(value)),
  time: (value) => readTime(text(value)),
  decimal: (value) => new Decimal(text(value)),
  uuid: (value) => new Uuid(text(typeof value === 'object' && value !== null && 'hex' in value ? value.hex : value)),
  bytes: (value) => Uint8Array.from(Buffer.from(text(value), 'utf8')),
  base64: (value) => Uint8Array.from(Buffer.from(text(value), 'base64')),
};

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('a text was expected');
  return value;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 100);
