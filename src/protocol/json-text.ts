import { DecodeError } from '../errors.ts';
import type { Encoded, Value } from './json.ts';
import { MAX_DEPTH, TOP, inside, plainObject, unsendable, type Place } from './place.ts';
import { CustomValue, typedValue, untypedOrKept, untypedValue } from './typed-values.ts';
import { markWideNumbers, mayHoldWideNumbers, wideNumber } from './wide-numbers.ts';

/** A value as kombu's typed JSON, compact. Throws EncodeError naming the path of what cannot travel: functions, symbols, maps and sets, circles. */
export function encodeJson(value: Value): string {
  return isPlain(value) ? JSON.stringify(value) : write(value, TOP);
}

/** A value from kombu's typed JSON, also with NaN, Infinity and big integers. Throws DecodeError. */
export function decodeJson(text: string): Value {
  return decoded(text, untypedValue);
}

/** The same of what is not for us to understand: typed values that only others can read stay as they came. */
export function decodeForeign(text: string): Value {
  return decoded(text, untypedOrKept);
}

function decoded(text: string, untyped: typeof untypedValue): Value {
  const wide = mayHoldWideNumbers(text);
  const marked = wide ? markWideNumbers(text) : text;
  const parsed = parse(marked);
  if (marked !== text || text.includes('"__type__"')) return revived(parsed, 0, untyped);
  // A level takes two characters, so a short text needs no look at its depth.
  if (text.length > 2 * MAX_DEPTH && isDeeperThan(parsed, MAX_DEPTH)) throw tooDeep();
  return parsed as Value;
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
  return new EncodedText(json);
}

/** A class, because there is one for each result. */
class EncodedText implements Encoded {
  readonly json: string;
  #value: Value | undefined;

  constructor(json: string) {
    this.json = json;
  }

  value(): Value {
    this.#value ??= decodeJson(this.json);
    return this.#value;
  }
}

/** Whether JSON.stringify writes it as kombu would: null, booleans, finite numbers, strings, lists and plain maps of these. */
export function isPlain(value: unknown, depth = 0): boolean {
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
      throw unsendable(`a ${typeof value}`, place);
  }
}

function writeObject(value: object, place: Place): string {
  if (Array.isArray(value)) return `[${Array.from(value, (item, index) => write(item, inside(place, index))).join(',')}]`;
  // It may hold what only kombu's JSON has a form for.
  if (value instanceof CustomValue) return `{"__type__":${JSON.stringify(value.type)},"__value__":${write(value.value, inside(place, '__value__'))}}`;
  const typed = typedOrThrow(value, place);
  if (typed !== undefined) return JSON.stringify(typed);
  const plain = plainObject(value, place);
  // One level deeper, so that a toJSON that gives itself comes to an end.
  if ('json' in plain) return write(plain.json, { ...place, depth: inside(place, '').depth });
  return `{${plain.members.map(([key, member]) => `${JSON.stringify(key)}:${write(member, inside(place, key))}`).join(',')}}`;
}

function typedOrThrow(value: object, place: Place): object | undefined {
  try {
    return typedValue(value);
  } catch (error) {
    throw unsendable(error instanceof Error ? error.message : String(error), place, error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DecodeError(`not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const tooDeep = (): DecodeError => new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(item, levels - 1)) return true;
    return false;
  }
  for (const key in value) if (isDeeperThan((value as Readonly<Record<string, unknown>>)[key], levels - 1)) return true;
  return false;
}

/** The same lists and maps with typed values and wide numbers in their places. They are ours, just parsed, so they are changed as they are. */
function revived(value: unknown, depth: number, untyped: typeof untypedValue): Value {
  if (typeof value !== 'object' || value === null) return value as Value;
  if (depth >= MAX_DEPTH) throw tooDeep();
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) if (typeof item === 'object') value[index] = revived(item, depth + 1, untyped);
    return value as Value;
  }
  const map = value as Record<string, unknown>;
  const keys = Object.keys(map);
  // A key `__proto__` is an own one here, as JSON.parse leaves it: writing to it changes no prototype.
  for (const key of keys) if (typeof map[key] === 'object') map[key] = revived(map[key], depth + 1, untyped);
  if (keys.length === 1) return wideNumber(map) ?? (map as Value);
  if (keys.length === 2 && Object.hasOwn(map, '__type__') && Object.hasOwn(map, '__value__')) return untyped(map['__type__'], map['__value__']);
  return map as Value;
}
