import type { Value } from '../protocol/json.ts';
import { TOP, inside, plainObject, unsendable, type Place } from '../protocol/place.ts';
import { typedValue } from '../protocol/typed-values.ts';

/**
 * A value as YAML for PyYAML's safe loader, in flow style: nearly JSON, with tags where Python has a type of its own. All texts are quoted, so none
 * can be taken for something else. Throws EncodeError for `time`, Decimal and uuid, which Python cannot send as YAML either.
 */
export const writeYaml = (value: Value): string => `${write(value, TOP)}\n`;

function write(value: unknown, place: Place): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      return writeNumber(value);
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return String(value ?? null);
    case 'object':
      return value === null ? 'null' : writeObject(value, place);
    default:
      throw unsendable(`a ${typeof value}`, place);
  }
}

/** To PyYAML a float has a point and a signed exponent. */
function writeNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '.nan' : value < 0 ? '-.inf' : '.inf';
  const text = String(value);
  return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text;
}

function writeObject(value: object, place: Place): string {
  if (Array.isArray(value)) return `[${Array.from(value, (item, index) => write(item, inside(place, index))).join(', ')}]`;
  if (value instanceof Uint8Array) return `!!binary "${Buffer.from(value).toString('base64')}"`;
  const typed = typedValue(value);
  if (typed !== undefined) {
    if (typed.__type__ !== 'datetime' && typed.__type__ !== 'date') throw unsendable(`a ${value.constructor.name} (YAML has no form for it; json has)`, place);
    return `!!timestamp ${quoted(String(typed.__value__))}`;
  }
  const plain = plainObject(value, place);
  if ('json' in plain) return write(plain.json, { ...place, depth: inside(place, '').depth });
  return `{${plain.members.map(([key, member]) => `${keyText(key)}: ${write(member, inside(place, key))}`).join(', ')}}`;
}

/** A key of more than 1,024 characters must be announced. */
const keyText = (key: string): string => (key.length > 150 ? `? ${quoted(key)} ` : quoted(key));

/** JSON's escapes are YAML's too; Python's reader refuses more characters when they are not escaped. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll(/[\x7f-\u{10ffff}]/gu, escaped);

function escaped(character: string): string {
  const hex = character.codePointAt(0)!.toString(16);
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
