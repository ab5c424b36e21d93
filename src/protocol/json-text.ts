import { DecodeError, EncodeError } from '../errors.ts';
import type { Encoded, Value } from './json.ts';
import { tagOf, typedValue, untypedValue } from './typed-values.ts';
import { markWideNumbers, mayHoldWideNumbers, wideNumber } from './wide-numbers.ts';

/** How deep lists and maps may be nested, both ways: as deep as Python's own reader goes. */
export const MAX_DEPTH = 1000;

/** A value as kombu's typed JSON, compact. Throws EncodeError naming the path of what cannot travel: functions, symbols, maps and sets, circles. */
export function encodeJson(value: Value): string {
  return isPlain(value, 0) ? JSON.stringify(value) : write(value, { depth: 0 });
}

/** A value from kombu's typed JSON, also with NaN, Infinity and big integers. Throws DecodeError. */
export function decodeJson(text: string): Value {
  const wide = mayHoldWideNumbers(text);
  const marked = wide ? markWideNumbers(text) : text;
  const parsed = parse(marked);
  // Nested so deep that it matters takes two characters a level.
  if (marked === text && text.length < 2 * MAX_DEPTH && !text.includes('"__type__"')) return parsed as Value;
  return revived(parsed, 0);
}

/** A value whose text is made when first asked for. */
export function encoded(value: Value): Encoded {
  let json: string | undefined;
  return {
    get json() {
      return (json ??= encodeJson(value));
    },
    value: () => value,
  };
}

/** A text whose value is read when first asked for. */
export function encodedText(json: string): Encoded {
  let read: { readonly value: Value } | undefined;
  return { json, value: () => (read ??= { value: decodeJson(json) }).value };
}

/** Whether JSON.stringify writes it as kombu would: null, booleans, finite numbers, strings, lists and plain maps of these. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item, depth + 1)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member !== undefined && !isPlain(member, depth + 1)) return false;
  }
  return true;
}

/** Where in the value we are; a list of links, so that a path is only put together for an error. */
interface Place {
  readonly depth: number;
  readonly key?: string | number;
  readonly parent?: Place;
}

function write(value: unknown, place: Place): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : String(value);
    case 'bigint':
    case 'undefined':
      return String(value ?? null);
    case 'object':
      return value === null ? 'null' : writeObject(value, place);
    default:
      throw unsendable(typeof value === 'symbol' ? 'a symbol' : 'a function', place);
  }
}

function writeObject(value: object, place: Place): string {
  if (place.depth >= MAX_DEPTH) throw unsendable(`nested deeper than ${MAX_DEPTH} levels, or contains itself,`, { depth: place.depth });
  const inside = (key: string | number): Place => ({ depth: place.depth + 1, key, parent: place });
  if (Array.isArray(value)) return `[${Array.from(value, (item, index) => write(item, inside(index))).join(',')}]`;
  const typed = typedOrThrow(value, place);
  if (typed !== undefined) return JSON.stringify(typed);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const plain: unknown = value.toJSON(place.key === undefined ? '' : String(place.key));
    return write(plain, { ...place, depth: place.depth + 1 });
  }
  if (tagOf(value) !== 'Object') throw unsendable(`a ${value.constructor?.name || tagOf(value)}`, place);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member, inside(key))}`).join(',')}}`;
}

function typedOrThrow(value: object, place: Place): object | undefined {
  try {
    return typedValue(value);
  } catch (error) {
    throw unsendable(error instanceof Error ? error.message : String(error), place, error);
  }
}

function unsendable(what: string, place: Place, cause?: unknown): EncodeError {
  const path = pathOf(place);
  return new EncodeError(`${what} cannot be sent${path === '' ? '' : ` (at ${path})`}; send null, booleans, numbers, text, Date, bytes, Uuid, Decimal, and lists and maps of these`, {
    cause,
  });
}

/** `$[0].user.email`. */
function pathOf(place: Place): string {
  const keys: (string | number)[] = [];
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.parent) keys.unshift(at.key);
  const step = (key: string | number): string => (typeof key === 'number' ? `[${key}]` : /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
  return keys.length === 0 ? '' : `$${keys.map(step).join('')}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DecodeError(`not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The same lists and maps with typed values and wide numbers in their places. They are ours, just parsed, so they are changed as they are. */
function revived(value: unknown, depth: number): Value {
  if (typeof value !== 'object' || value === null) return value as Value;
  if (depth >= MAX_DEPTH) throw new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) if (typeof item === 'object') value[index] = revived(item, depth + 1);
    return value as Value;
  }
  const map = value as Record<string, unknown>;
  const keys = Object.keys(map);
  // A key `__proto__` is an own one here, as JSON.parse leaves it: writing to it changes no prototype.
  for (const key of keys) if (typeof map[key] === 'object') map[key] = revived(map[key], depth + 1);
  if (keys.length === 1) return wideNumber(map) ?? (map as Value);
  if (keys.length === 2 && Object.hasOwn(map, '__type__') && Object.hasOwn(map, '__value__')) return untypedValue(map['__type__'], map['__value__']);
  return map as Value;
}
